/** The daily report to a domain (RFC 8460 §4), the record that asks for it (§3), and the message it goes in (§5.3). Pure. */
import { formatMailbox, parseMailbox, type Mailbox } from '../../mail/address.ts'
import { formatField } from '../../mail/header-field.ts'
import type { JsonObject } from '../../mail/json.ts'
import { formatDate } from '../../mail/trace-fields.ts'
import type { DomainDay, PolicyCount } from './counts.ts'

const dayMs = 86_400_000
const maxAddresses = 5

/** Whom a domain's record names by `rua=mailto:`; none where there is no record, or several (§3). `https:` is not served. */
export function reportAddresses(records: readonly string[]): readonly Mailbox[] {
  const [only, another] = records.filter((text) => /^v=TLSRPTv1[ \t]*;/.test(text))
  if (only === undefined || another !== undefined) return []
  const rua = only
    .slice(0, 2_000)
    .split(';')
    .map((field) => /^[ \t]*rua[ \t]*=(.*)$/.exec(field)?.[1])
    .find((value) => value !== undefined)
  return (rua ?? '')
    .split(',')
    .slice(0, maxAddresses)
    .flatMap((uri) => {
      const [, address] = /^[ \t]*mailto:([^?]+)/i.exec(uri) ?? []
      return address === undefined ? [] : mailboxIn(address.trim())
    })
}

/** In a URI an octet may be written as `%21` (RFC 6068 §2). */
function mailboxIn(address: string): readonly Mailbox[] {
  try {
    const mailbox = parseMailbox(decodeURIComponent(address))
    return mailbox === undefined || mailbox.domain === '' ? [] : [mailbox]
  } catch {
    // No URI, so no address either.
    return []
  }
}

export interface Submitter {
  readonly hostname: string
  /** Who can be asked, and who sends it. */
  readonly contact: Mailbox
}

export function tlsReport(
  { domain, day, policies }: DomainDay,
  { hostname, contact }: Submitter,
): JsonObject {
  const start = Date.parse(`${day}T00:00:00Z`)
  return {
    'organization-name': hostname,
    'date-range': {
      'start-datetime': `${day}T00:00:00Z`,
      'end-datetime': `${new Date(start + dayMs - 1000).toISOString().slice(0, 19)}Z`,
    },
    'contact-info': formatMailbox(contact),
    'report-id': `${day}.${domain}@${hostname}`,
    policies: policies.map((each) => policyReport(domain, each)),
  }
}

function policyReport(
  domain: string,
  { policy: { type, lines, mx }, successes, failures, details }: PolicyCount,
): JsonObject {
  return {
    policy: {
      'policy-type': type,
      ...(lines.length === 0 ? {} : { 'policy-string': [...lines] }),
      'policy-domain': domain,
      ...(mx.length === 0 ? {} : { 'mx-host': [...mx] }),
    },
    summary: {
      'total-successful-session-count': successes,
      'total-failure-session-count': failures,
    },
    ...(details.length === 0
      ? {}
      : {
          'failure-details': details.map(({ failure, host, address, reason, count }) => ({
            'result-type': failure,
            ...(host === '' ? {} : { 'receiving-mx-hostname': host }),
            ...(address === '' ? {} : { 'receiving-ip': address }),
            'failed-session-count': count,
            ...(reason === '' ? {} : { 'failure-reason-code': reason }),
          })),
        }),
  }
}

export interface ReportMessage extends Submitter {
  readonly to: Mailbox
  readonly about: DomainDay
  /** The report, compressed. */
  readonly gzip: Uint8Array
  readonly now: number
}

/** It may go in the clear: a report about TLS that fails must not fail with it (§3, RFC 8689 §5). */
export function reportMessage(message: ReportMessage): string {
  const { hostname, contact, to, about, gzip, now } = message
  const { domain, day } = about
  const start = Date.parse(`${day}T00:00:00Z`) / 1000
  const id = `${day}.${domain}@${hostname}`
  const boundary = `=_tlsrpt_${day}_${now}`
  const file = `${hostname}!${domain}!${start}!${start + dayMs / 1000 - 1}.json.gz`
  const header = [
    ['Date', formatDate(now)],
    ['From', formatMailbox(contact)],
    ['To', formatMailbox(to)],
    ['Subject', `Report Domain: ${domain} Submitter: ${hostname} Report-ID: <${id}>`],
    ['Message-ID', `<tlsrpt.${now}.${id}>`],
    ['TLS-Report-Domain', domain],
    ['TLS-Report-Submitter', hostname],
    ['TLS-Required', 'No'],
    ['Auto-Submitted', 'auto-generated'],
    ['MIME-Version', '1.0'],
    ['Content-Type', `multipart/report; report-type="tlsrpt";\r\n boundary="${boundary}"`],
  ] as const
  const lines = [
    `--${boundary}`,
    'Content-Type: text/plain; charset=us-ascii',
    '',
    `This is an aggregate report of TLS sessions with ${domain} on ${day}, by ${hostname}.`,
    '',
    `--${boundary}`,
    'Content-Type: application/tlsrpt+gzip',
    'Content-Transfer-Encoding: base64',
    `Content-Disposition: attachment;\r\n filename="${file}"`,
    '',
    ...(Buffer.from(gzip)
      .toString('base64')
      .match(/.{1,76}/g) ?? []),
    '',
    `--${boundary}--`,
    '',
  ]
  return `${header.map(([name, value]) => formatField(name, value)).join('')}\r\n${lines.join('\r\n')}`
}
