/**
 * The part of a notification that people read. A failure is told in the paragraphs of QSBMF (the qmail-send bounce
 * message format): `Hi. This is the`, then one paragraph `<address>:` for each recipient. A recipient that did not
 * fail is never put in angle brackets, and a notice without a failure never says `Hi`: list managers would
 * unsubscribe the reader.
 */
import type { DsnFacts, DsnRecipient } from './dsn-facts.ts'
import { shownMailbox } from './no-mailbox.ts'
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

/** What we call ourselves, a program and where it is; and what is said of one that failed. */
export interface NoticeStyle {
  readonly speaker: string
  readonly failure: (entry: DsnRecipient) => readonly string[]
}

/** Paragraphs with an empty line after each, CRLF throughout. */
export function noticeText(
  facts: DsnFacts,
  { speaker, failure }: NoticeStyle = {
    speaker: `postern program at ${facts.hostname}`,
    failure: failureParagraph,
  },
): string {
  const first = outcomeOf(facts)
  const greeting = `${first === 'failed' ? 'Hi. ' : ''}This is the ${speaker}.`
  const paragraphs = (['failed', 'deferred', 'delivered'] as const).flatMap((outcome) => {
    const entries = facts.recipients.filter(({ result }) => result.outcome === outcome)
    if (entries.length === 0) return []
    const words = introduction(outcome, facts)
    const paragraph = outcome === 'failed' ? failure : progressParagraph
    return [outcome === first ? [greeting, ...words] : words, ...entries.map(paragraph)]
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

function failureParagraph({ recipient, result }: DsnRecipient): readonly string[] {
  const code = statusInText.test(result.text) ? '' : ` (#${result.status})`
  const lines = replyLines(result.text)
  const last = `${lines.at(-1) ?? 'I have no more to say about it.'}${code}`
  return [`<${addressOf(recipient)}>:`, ...sayer(result), ...lines.slice(0, -1), last]
}

/** Whose words they are. */
export function sayer({ remote }: DsnRecipient['result']): readonly string[] {
  return remote === undefined ? [] : [`${printable(remote)} said:`]
}

/** A mailbox outside ASCII stays readable; what would end the line does not get in. */
function addressOf({ mailbox }: DsnRecipient['recipient']): string {
  return shownMailbox(mailbox).replace(/\p{Cc}/gu, '_')
}

function progressParagraph(entry: DsnRecipient): readonly string[] {
  const { recipient, result, action, retryUntil } = entry
  const address = addressOf(recipient)
  if (result.outcome === 'deferred') {
    const until = retryUntil === undefined ? [] : [`I'll give up on ${formatDate(retryUntil)}.`]
    return [`${address}:`, ...replyLines(result.text), ...until]
  }
  return [
    action === 'relayed'
      ? `${address}: passed on to a host that sends no notices of its own`
      : `${address}: ${action ?? 'delivered'}`,
  ]
}

const maxLines = 32
/** As qmail's texts and most programs that write for it end. */
export const statusInText = /#?\b[45]\.\d{1,3}\.\d{1,3}\b/

/** What a peer or we said of a recipient: printable ASCII, no empty lines (they would end a QSBMF paragraph), not too much of it. */
export function replyLines(text: string): readonly string[] {
  return allLines(text)
    .filter((line) => line !== '')
    .slice(0, maxLines)
}

/** The same with its empty lines. */
export function allLines(text: string): readonly string[] {
  return text
    .slice(0, 16_384)
    .split(/\r?\n|\r/)
    .map((line) => printable(line.trim()))
}
