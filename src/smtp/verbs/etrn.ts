import { asciiDomain } from '../../mail/domain.ts'
import type { EtrnNode } from '../queue-flush.ts'
import * as replies from '../replies.ts'
import { commandLineBytes, type Verb } from './verb.ts'

/** ETRN (RFC 1985): a client that was away asks for what waits for its domain. It is delivered where it always is, not here. */
export const etrn: Verb = {
  needs: ['tls', 'ehlo', 'login', 'no transaction'],
  maxLineBytes: commandLineBytes,
  run(dialogue, rest) {
    const { queueFlush } = dialogue
    if (queueFlush === undefined || !dialogue.offers('ETRN')) return replies.notImplemented
    const node = parseNode(rest)
    if (node === undefined) return replies.malformed('ETRN [@]domain')
    return dialogue.consult(queueFlush.flush(node), (flushed) => {
      if (flushed.outcome === 'busy') return replies.cannotFlush(rest)
      return replies.flushing(rest, flushed.messages)
    })
  },
}

/** `example.org`, or `@example.org` for all below it too; there are no named queues (`#`) here (§5.2). */
function parseNode(text: string): EtrnNode | undefined {
  const below = text.startsWith('@')
  const domain = asciiDomain(below ? text.slice(1) : text)
  return domain === '' ? undefined : { domain, below }
}
