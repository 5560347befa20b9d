/**
 * RCPTCHECK: a program of the operator's says whether a recipient exists, by its exit code, and what the client is told, on
 * descriptor 4. It never vouches. A program that does not end in time, or cannot be started, is a fault.
 */
import {
  definePlugin,
  defer,
  formatMailbox,
  option,
  pass,
  reject,
  type Defer,
  type Log,
  type Pass,
  type ProgramEnd,
  type Reject,
  type Session,
} from 'postern/plugin'
import { sessionVariables } from '../shared/session-variables/session-variables.ts'

const textDescriptor = 4
/** As qmail-smtpd keeps of it. */
const longestText = 254

export const rcptcheck = definePlugin({
  name: 'rcptcheck',
  summary: 'Asks a program whether a recipient exists (RCPTCHECK).',
  defaults: { timeoutMs: 30_000 },
  options: {
    program: option.string({
      default: '',
      env: 'RCPTCHECK',
      description: 'Its path; empty: nobody is asked.',
    }),
    arguments: option.strings({ default: [] }),
    at_once: option.integer({
      default: 20,
      min: 1,
      description: 'Programs that run at one time; more recipients are asked to come back.',
    }),
  },
  setup: (_options, { programs, counters, log }) => ({
    async rcpt({ transaction: { session, reversePath }, recipient }, { options, signal }) {
      const { program, arguments: words, at_once: most } = options
      if (program === '') return pass()
      if (!(await counters.take('running', most))) {
        return defer('4.3.2', 'unable to verify recipient, too busy', { reason: 'RCPTCHECK_BUSY' })
      }
      const address = formatMailbox(recipient.mailbox)
      const environment = sessionVariables(session)
        .set('HELO', session.hello?.name ?? '')
        .set('SENDER', reversePath === null ? '' : formatMailbox(reversePath))
        .set('RECIPIENT', address)
        .set('USE_FD4', '1')
      try {
        const { end, outputs } = await programs.run(
          {
            command: [program, ...words],
            environment,
            outputs: new Map([[textDescriptor, longestText]]),
          },
          signal,
        )
        const said = spoken(outputs.get(textDescriptor))
        if (said !== '') logText(log, { text: said, recipient: address, session })
        return verdictOf(end, said)
      } finally {
        counters.give('running')
      }
    },
    dependsOn: ({ program }) => program,
  }),
})

/** One line of printable ASCII: it goes to a client, and into the log. */
function spoken(bytes: Uint8Array | undefined): string {
  const text = Buffer.from(bytes ?? []).toString('latin1')
  return text
    .replace(/[\r\n]+/g, ' ')
    .replace(/[^\x20-\x7e]/g, '?')
    .trim()
}

function logText(
  log: Log,
  {
    session,
    ...fields
  }: { readonly text: string; readonly recipient: string; readonly session: Session },
): void {
  log.info('rcptcheck.said', { ...fields, session: session.id, address: session.remote.address })
}

function verdictOf(end: ProgramEnd, said: string): Pass | Defer | Reject {
  const evidence = { ...end, text: said }
  if ('signal' in end || end.exit === 120) {
    const text = said === '' ? 'unable to execute recipient check' : said
    return defer('4.3.0', text, { reason: 'RCPTCHECK_FAILED', evidence, close: true, at: 'now' })
  }
  switch (end.exit) {
    case 100:
      return reject('5.1.1', said === '' ? 'sorry, no mailbox here by that name.' : said, {
        reason: 'RCPTCHECK_NO',
        evidence,
      })
    case 111:
      return defer('4.3.0', said === '' ? 'unable to verify recipient' : said, {
        reason: 'RCPTCHECK_UNKNOWN',
        evidence,
      })
    default:
      return pass({ reason: 'RCPTCHECK_YES', evidence })
  }
}
