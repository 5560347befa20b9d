import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Answer, Reply } from '../mail/reply.ts'
import { storeFailed } from './acceptance.ts'
import type { ContentReader, ContentRules } from './content-rules.ts'
import type { Dialogue, OpenTransaction } from './dialogue.ts'
import { Intake } from './intake.ts'
import { objection } from './replies.ts'

export interface Beginning<R extends ContentReader> {
  readonly transaction: OpenTransaction
  readonly reader: (rules: ContentRules) => R
  /** The policy has nothing against it, and there is a draft. */
  readonly begun: (intake: Intake, reader: R) => MaybePromise<Answer | undefined>
  /** It has, or there is none: the transaction is over. */
  readonly refused: (reply: Reply) => Reply | undefined
}

/** To mend such a message would be to break it. */
const binary = { binary: true, lineEnds: 'refuse', nul: 'refuse' } as const

/** Asks whether the message may come, and makes room for it. */
export function beginMessage<R extends ContentReader>(
  dialogue: Dialogue,
  { transaction, reader: makeReader, begun, refused }: Beginning<R>,
): MaybePromise<Answer | undefined> {
  return dialogue.consult(dialogue.policy.data({ transaction }), (ruling) => {
    if (ruling.ruling !== 'pass') {
      const reply = objection('data', ruling, dialogue.shownId)
      dialogue.endTransaction({ end: 'refused', reply })
      if (ruling.close) dialogue.end('refused')
      return refused(reply)
    }
    const { maxMessageBytes, maxTextLineBytes, lineEnds, nul, maxHeaderBytes } = dialogue.settings
    try {
      const reader = makeReader({
        maxBytes: maxMessageBytes,
        maxLineBytes: maxTextLineBytes,
        lineEnds,
        nul,
        ...(transaction.parameters.bodyType === 'binarymime' ? binary : {}),
      })
      const intake = new Intake(dialogue.queue.begin(), reader, maxHeaderBytes)
      dialogue.intake = intake
      return begun(intake, reader)
    } catch (error) {
      return refused(storeFailed(dialogue, error))
    }
  })
}
