/**
 * Is this a header as RFC 5322 has it? Each check is by itself, with an outcome of its own. The defaults refuse what hides
 * the author from DMARC and what no mail program sends; they mark what is merely careless.
 */
import { definePlugin, finding, option, type Header, type Transaction } from 'postern/plugin'
import {
  outcomeOption,
  verdictOn,
  type Complaint,
  type Outcome,
} from '../shared/outcome/outcome.ts'
import { headerFaults } from './findings.ts'
import { parseMailDate } from './mail-date.ts'
import { mailboxesOf } from './mailboxes.ts'

const checks = {
  from_missing: outcomeOption({ default: 'reject', description: 'No From field (RFC 5322 §3.6).' }),
  from_duplicate: outcomeOption({
    default: 'reject',
    description: 'Several From fields: readers would see different authors.',
  }),
  from_multiple: outcomeOption({
    default: 'tag',
    description: 'Several mailboxes in From, and no Sender (§3.6.2).',
  }),
  from_malformed: outcomeOption({ default: 'tag', description: 'From that holds no mailbox.' }),
  date_missing: outcomeOption({ default: 'tag', description: 'No Date field (§3.6).' }),
  date_malformed: outcomeOption({ default: 'tag', description: 'A Date that is none.' }),
  date_future: outcomeOption({ default: 'tag', description: 'Later than `future`.' }),
  date_ancient: outcomeOption({ default: 'tag', description: 'Earlier than `ancient`.' }),
  message_id_missing: outcomeOption({ default: 'none', description: 'No Message-ID field.' }),
  recipients_missing: outcomeOption({ default: 'none', description: 'No To, Cc or Bcc field.' }),
  duplicate: outcomeOption({
    default: 'tag',
    description: 'A field twice that may stand there once (§3.6).',
  }),
  malformed: outcomeOption({ default: 'tag', description: 'Lines that are no header fields.' }),
  null_sender: outcomeOption({
    default: 'reject',
    description:
      'An empty reverse-path, and several recipients: a bounce has one (RFC 5321 §4.5.5).',
  }),
} as const

type Check = keyof typeof checks

/** RFC 5322 §3.6: fields that may stand there once at most. From has a check of its own. */
const single = [
  'Date',
  'Sender',
  'Reply-To',
  'To',
  'Cc',
  'Bcc',
  'Message-ID',
  'In-Reply-To',
  'References',
  'Subject',
  'MIME-Version',
  'Content-Type',
  'Content-Transfer-Encoding',
]

export const headers = definePlugin({
  name: 'headers',
  summary:
    'Checks that the header is one: From, Date, fields that are missing, double or malformed.',
  provides: [headerFaults],
  options: {
    ...checks,
    future: option.duration({ default: '2d', description: 'How far ahead a Date may be.' }),
    ancient: option.duration({ default: '3650d', description: 'How old a Date may be.' }),
  },
  setup: (_defaults, { clock }) => ({
    message({ transaction, message }, { options }) {
      const found = faultsOf(message.header, transaction, {
        earliestMs: clock.now() - options.ancient,
        latestMs: clock.now() + options.future,
      })
      const complaints = Array.from(found, ([check, detail]) =>
        complaint(check, detail, options[check]),
      )
      const faults = [...found.keys()].filter((check) => options[check] !== 'none')
      return verdictOn(complaints, {
        reason: 'HEADER_FAULT',
        field: 'X-Header-Fault',
        findings: faults.length === 0 ? [] : [finding(headerFaults, faults)],
      })
    },
  }),
})

function complaint(check: Check, detail: string, outcome: Outcome): Complaint {
  const text = `The header of the message is not as it should be: ${check.replaceAll('_', ' ')}`
  return { check, detail, outcome, text, status: check.startsWith('null_') ? '5.7.1' : '5.6.0' }
}

interface Times {
  readonly earliestMs: number
  readonly latestMs: number
}

/** What is wrong, and where. */
function faultsOf(
  header: Header,
  transaction: Transaction,
  times: Times,
): ReadonlyMap<Check, string> {
  const found = new Map<Check, string>([...fromFaults(header), ...dateFaults(header, times)])
  if (header.first('message-id') === undefined) found.set('message_id_missing', 'no Message-ID')
  if (['to', 'cc', 'bcc'].every((name) => header.first(name) === undefined)) {
    found.set('recipients_missing', 'no To, Cc or Bcc')
  }
  const twice = single.filter((name) => header.all(name).length > 1)
  if (twice.length > 0) found.set('duplicate', twice.join(', '))
  const malformed = header.fields.find(
    ({ name, value }, index) => name === '' && !(index === 0 && value.startsWith('From ')),
  )
  if (malformed !== undefined) found.set('malformed', malformed.value)
  else if (header.cut) found.set('malformed', 'more fields than are read')
  const { reversePath, recipients } = transaction
  if (reversePath === null && recipients.length > 1) {
    found.set('null_sender', `${recipients.length} recipients`)
  }
  return found
}

function fromFaults(header: Header): readonly (readonly [Check, string])[] {
  const fields = header.all('from')
  const [from] = fields
  if (from === undefined) return [['from_missing', 'no From']]
  if (fields.length > 1) return [['from_duplicate', fields.slice(0, 3).join(' | ')]]
  const { mailboxes, unreadable } = mailboxesOf(from)
  if (mailboxes.length === 0) return [['from_malformed', from]]
  if (mailboxes.length + unreadable.length > 1 && header.first('sender') === undefined) {
    return [['from_multiple', from]]
  }
  return []
}

function dateFaults(
  header: Header,
  { earliestMs, latestMs }: Times,
): readonly (readonly [Check, string])[] {
  const date = header.first('date')
  if (date === undefined) return [['date_missing', 'no Date']]
  const atMs = parseMailDate(date)
  if (atMs === undefined) return [['date_malformed', date]]
  if (atMs > latestMs) return [['date_future', date]]
  return atMs < earliestMs ? [['date_ancient', date]] : []
}
