/**
 * The part of a notification that people read. A failure is told in the paragraphs of QSBMF (the qmail-send bounce
 * message format): `Hi. This is the`, then one paragraph `<address>:` for each recipient. A recipient that did not
 * fail is never put in angle brackets, and a notice without a failure never says `Hi`: list managers would
 * unsubscribe the reader.
 */
import { formatMailbox } from './address.ts'
import type { DsnFacts, DsnRecipient } from './dsn-facts.ts'
import { printable } from './reply.ts'
import { formatDate } from './trace-fields.ts'

type Outcome = DsnRecipient['result']['outcome']

const subjects: { readonly [O in Outcome]: string } = {
  failed: 'failure notice',
  deferred: 'delay notice',
  delivered: 'delivery notice',
}

/** The gravest thing to tell. */
export function outcomeOf({ recipients }: DsnFacts): Outcome {
  const outcomes = recipients.map(({ result }) => result.outcome)
  if (outcomes.includes('failed')) return 'failed'
  return outcomes.includes('deferred') ? 'deferred' : 'delivered'
}

export function subjectOf(facts: DsnFacts): string {
  return subjects[outcomeOf(facts)]
}

/**
 * Paragraphs with an empty line after each, CRLF throughout.
 * @param speaker what we call ourselves: a program, and where it is
 */
export function noticeText(
  facts: DsnFacts,
  speaker = `postern program at ${facts.hostname}`,
): string {
  const first = outcomeOf(facts)
  const greeting = `${first === 'failed' ? 'Hi. ' : ''}This is the ${speaker}.`
  const paragraphs = (['failed', 'deferred', 'delivered'] as const).flatMap((outcome) => {
    const entries = facts.recipients.filter(({ result }) => result.outcome === outcome)
    if (entries.length === 0) return []
    const words = introduction(outcome, facts)
    return [outcome === first ? [greeting, ...words] : words, ...entries.map(recipientParagraph)]
  })
  return paragraphs.map((lines) => lines.map((line) => `${line}\r\n`).join('')).join('\r\n')
}

function introduction(outcome: Outcome, { envelope }: DsnFacts): readonly string[] {
  switch (outcome) {
    case 'failed':
      return envelope.reversePath === null
        ? ['I tried to deliver a bounce message to this address, but the bounce bounced!']
        : [
            "I'm afraid I wasn't able to deliver your message to the following addresses.",
            "This is a permanent error; I've given up. Sorry it didn't work out.",
          ]
    case 'deferred':
      return [
        "I haven't been able to deliver your message to the following addresses yet.",
        "This is only a warning: you need not send it again; I'll keep trying.",
      ]
    case 'delivered':
      return ['Your message has reached the following addresses.']
  }
}

function recipientParagraph({
  recipient,
  result,
  action,
  retryUntil,
}: DsnRecipient): readonly string[] {
  // A mailbox outside ASCII stays readable; what would end the line does not get in.
  const address = formatMailbox(recipient.mailbox).replace(/\p{Cc}/gu, '_')
  const lines = replyLines(result.text)
  switch (result.outcome) {
    case 'failed': {
      const said = result.remote === undefined ? [] : [`${printable(result.remote)} said:`]
      const code = statusInText.test(result.text) ? '' : ` (#${result.status})`
      const last = `${lines.at(-1) ?? 'I have no more to say about it.'}${code}`
      return [`<${address}>:`, ...said, ...lines.slice(0, -1), last]
    }
    case 'deferred': {
      const until = retryUntil === undefined ? [] : [`I'll give up on ${formatDate(retryUntil)}.`]
      return [`${address}:`, ...lines, ...until]
    }
    case 'delivered':
      return [
        action === 'relayed'
          ? `${address}: passed on to a host that sends no notices of its own`
          : `${address}: ${action ?? 'delivered'}`,
      ]
  }
}

const maxLines = 32
/** As qmail's texts and most programs that write for it end. */
const statusInText = /#?\b[45]\.\d{1,3}\.\d{1,3}\b/

/** What a peer or we said of a recipient: printable ASCII, no empty lines (they would end a QSBMF paragraph), not too much of it. */
export function replyLines(text: string): readonly string[] {
  return text
    .slice(0, 16_384)
    .split(/\r?\n|\r/)
    .map((line) => printable(line.trim()))
    .filter((line) => line !== '')
    .slice(0, maxLines)
}
