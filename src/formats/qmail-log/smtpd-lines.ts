/**
 * Events of sessions as the lines that tcpserver, rblsmtpd, jgreylist and qmail-smtpd with the JMS patches write, for
 * programs that read those. Where they have the id of a process, a number of the session stands.
 */
import type { JsonValue } from '../../mail/json.ts'
import { numberOf, oneLine, sessionNumber, textOf, type HappenedEvent } from './words.ts'

type Fields = HappenedEvent['fields']

/** What the JMS patches of tcpserver add to the line of somebody whom a limit kept out. */
const limitNames: ReadonlyMap<string, string> = new Map([
  ['load', 'MAXLOAD'],
  ['address', 'MAXCONNIP'],
  ['network', 'MAXCONNC'],
])

/** Reasons of the plugins that ask lists in the DNS, and of RBLSMTPD in a rule of tcp.smtp. */
const listed: ReadonlySet<string> = new Set(['DNS_LISTED', 'DOMAIN_LISTED', 'RBLSMTPD'])

/** rblsmtpd cuts its texts there. */
const longestRblText = 200

export class QmailSmtpdLines {
  #open = 0
  #limit = 40

  /** @returns lines without stamps and ends; none for what those programs would not have told */
  lines({ event, fields }: HappenedEvent): readonly string[] {
    switch (event) {
      case 'session.opened':
        return this.#opened(fields)
      case 'session.ended':
        this.#open = Math.max(0, this.#open - 1)
        return [`tcpserver: end ${sessionNumber(fields['session'])} status 0`, this.#status()]
      case 'connection.refused':
        return [turnedAway(fields)]
      case 'session.refused':
      case 'rcpt.refused':
      case 'transaction.refused':
        return refusal(fields)
      default: {
        const said = smtpdSays(event, fields)
        if (said === undefined) return []
        return [`qmail-smtpd[${sessionNumber(fields['session'])}]: ${oneLine(said)}`]
      }
    }
  }

  #opened({ session, local, remote, port, remoteName, limit }: Fields): readonly string[] {
    const pid = sessionNumber(session)
    this.#open += 1
    this.#limit = numberOf(limit) ?? this.#limit
    const [from, name] = [oneLine(textOf(remote)), oneLine(textOf(remoteName))]
    return [
      this.#status(),
      `tcpserver: pid ${pid} from ${from}`,
      `tcpserver: ok ${pid} :${textOf(local)} ${name}:${from}::${textOf(port)}`,
    ]
  }

  #status(): string {
    return `tcpserver: status: ${this.#open}/${this.#limit}`
  }
}

function turnedAway({ session, listener, remote, limit }: Fields): string {
  const name = limitNames.get(textOf(limit))
  const suffix = name === undefined ? '' : ` ${name}`
  return `tcpserver: deny ${sessionNumber(session)} ${oneLine(textOf(listener))}: :${oneLine(textOf(remote))}::${suffix}`
}

/** Which of the programs would have said no, and how it would have told. */
function refusal(fields: Fields): readonly string[] {
  const { session, remote, code, text } = fields
  const pid = sessionNumber(session)
  const from = oneLine(textOf(remote))
  const reason = textOf(fields['reason']) || lastReason(fields['steps'])
  const smtpd = (said: string): readonly string[] => [`qmail-smtpd[${pid}]: ${oneLine(said)}`]
  switch (reason) {
    case 'BADMAILFROM':
      return smtpd(`badmailfrom: ${bare(fields['reversePath'])} at ${from}`)
    case 'BADRCPTTO':
      return smtpd(`badrcptto: ${textOf(fields['recipient'])} at ${from}`)
    case 'BADHELO':
      return smtpd(`badhelo: ${from}`)
    case 'GREYLIST_FIRST':
      return [`jgreylist[${pid}]: ${from}: GREY first time`]
    case 'GREYLIST_TOO_SOON':
      return [`jgreylist[${pid}]: ${from}: GREY too soon`]
    case 'JGREYLIST_NOREV':
      return [`jgreylist[${pid}]: ${from}: DENY no reverse DNS`]
    case 'JGREYLIST':
      return [`jgreylist[${pid}]: ${from}: DENY blacklisted`]
    default:
      if (textOf(fields['status']).endsWith('.3.4')) return smtpd(`DATABYTES exceeded [${from}]`)
      if (!listed.has(reason)) return []
      // 553 is what rblsmtpd says of a rejection, whatever our own code is.
      return [
        `rblsmtpd: ${from} pid ${pid}: ${textOf(code).startsWith('4') ? 451 : 553} ` +
          oneLine(textOf(text).slice(0, longestRblText)),
      ]
  }
}

/** What qmail-smtpd itself notes. */
function smtpdSays(event: string, fields: Fields): string | undefined {
  const from = `[${textOf(fields['remote'] ?? fields['address'])}]`
  switch (event) {
    case 'login.accepted':
      return `AUTH successful ${from} ${textOf(fields['user'])}`
    case 'login.rejected':
      return `AUTH failed ${from} ${textOf(fields['user'])}`
    case 'mail.taken':
      return `MAIL FROM:${textOf(fields['path'])}`
    case 'rcpt.asked':
      return `RCPT TO:${textOf(fields['path'])}`
    case 'mfcheck.answered':
      return `MFCHECK ${fields['answer'] === 'yes' ? 'pass' : 'fail'} ${from} ${textOf(fields['domain'])}`
    case 'validrcptto.not-found':
      return `validrcptto ${from} not found: ${textOf(fields['recipient'])}`
    case 'validrcptto.excessive':
      return `validrcptto ${from} excessive violations, hanging up`
    case 'rcptcheck.said':
      return `RCPTCHECK error: ${textOf(fields['text'])}`
    case 'spf.answered':
      return `Received-SPF: ${textOf(fields['result'])} (${textOf(fields['domain'])}) ${from}`
    case 'early-talker.spoke':
      return `before greeting: ${from} client sent data`
    default:
      return undefined
  }
}

/** The last word of the last step is why it was refused. */
function lastReason(steps: JsonValue | undefined): string {
  const last = Array.isArray(steps) ? steps.at(-1) : undefined
  return textOf(last).split(' ').at(-1) ?? ''
}

function bare(path: JsonValue | undefined): string {
  const text = textOf(path)
  return text.startsWith('<') && text.endsWith('>') ? text.slice(1, -1) : text
}
