import { lowerAscii } from '../formats/octets.ts'
import type { Continuation, Continuations, OfferedEnvelope } from '../runtime/continuations.ts'
import { memoryMessage } from './memory-message.ts'

/** What a program's own qmail-queue would do, from inside a fake program. */
export interface FakeContinuations extends Continuations {
  /** Every offer, in order. */
  readonly offers: readonly FakeOffer[]
}

export interface FakeOffer {
  readonly envelope: OfferedEnvelope
  readonly dropped: boolean
  /** @param text the message with CRLF line ends. @param recipients all where nothing is said */
  handBack(text: string, recipients?: readonly string[]): void
}

type Open<T> = { -readonly [K in keyof T]: T[K] }

/** The way back for messages that a fake program was given: a test hands them back itself. */
export function fakeContinuations(): FakeContinuations {
  const offers: FakeOffer[] = []
  return {
    offers,
    async offer(envelope): Promise<Continuation> {
      let back: { readonly text: string; readonly recipients: readonly string[] } | undefined
      const offer: Open<FakeOffer> = {
        envelope,
        dropped: false,
        handBack(text, recipients = envelope.recipients) {
          back ??= { text, recipients }
        },
      }
      offers.push(offer)
      return {
        variables: new Map([['QMAILQUEUE', '/opt/postern/bin/qmail-queue']]),
        async take() {
          if (back === undefined) return undefined
          const wanted = new Set(back.recipients.map(lowerAscii))
          const recipients = envelope.recipients.flatMap((address, index) =>
            wanted.has(lowerAscii(address)) ? [index] : [],
          )
          return { message: memoryMessage(back.text), recipients }
        },
        async drop() {
          offer.dropped = true
        },
      }
    },
  }
}
