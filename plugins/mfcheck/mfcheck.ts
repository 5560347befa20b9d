/** Whether the sender's domain could be answered: it must have a mail exchanger or an address (MFCHECK). */
import {
  after,
  asciiDomain,
  controlInteger,
  definePlugin,
  defer,
  isAddressLiteral,
  isPosternError,
  option,
  pass,
  reject,
  type Dns,
  type Log,
  type Mailbox,
  type MaybePromise,
} from 'postern/plugin'
import { probeDns } from '../shared/dns-probe/probe-dns.ts'

const levels = ['control', '0', '1', '2', '3'] as const

export const mfcheck = definePlugin({
  name: 'mfcheck',
  summary: 'Refuses senders whose domain has neither MX nor address (MFCHECK).',
  defaults: { refuseAt: 'now' },
  options: {
    level: option.choice(levels, {
      default: 'control',
      env: 'MFCHECK',
      description:
        '0: off; 1: on; 2: log failures too; 3: log passes too; control: as control/mfcheck says.',
    }),
    control: option.file({ default: 'control/mfcheck' }),
  },
  setup({ control }, { dns, log }) {
    const usual = control.follow((bytes) => controlInteger(bytes, 1).value)
    return {
      probe: (signal) => probeDns(dns, signal),
      mail({ session, reversePath }, { options, signal }) {
        const level = options.level === 'control' ? usual.current : Number(options.level)
        if (level < 1 || reversePath === null || isExempt(reversePath)) return pass()
        const { domain } = reversePath
        const about = { level, domain, session: session.id, address: session.remote.address }
        return after(domain === '' ? 'no domain' : answerable(dns, domain, signal), (answer) => {
          logAnswer(log, { ...about, answer })
          return verdictOf(answer, domain)
        })
      },
    }
  },
})

type Answer = 'yes' | 'no' | 'no domain' | 'null mx' | 'unknown'

/** qmail's own double bounces come from `#@[]`; a literal names an address already. */
function isExempt({ localPart, domain }: Mailbox): boolean {
  return (localPart === '#' && domain === '[]') || isAddressLiteral(domain)
}

function answerable(dns: Dns, domain: string, signal: AbortSignal): MaybePromise<Answer> {
  const name = asciiDomain(domain)
  if (name === '') return 'no'
  const answer = after(dns.mx(name, signal), (mx): MaybePromise<Answer> => {
    if (mx.answer === 'no-name') return 'no'
    if (mx.answer === 'found') {
      // RFC 7505 §3: such a domain never receives mail, so it should not send any.
      return mx.records.every(({ exchange }) => exchange === '') ? 'null mx' : 'yes'
    }
    return after(dns.addresses(name, signal), (found) => (found.answer === 'found' ? 'yes' : 'no'))
  })
  return answer instanceof Promise ? answer.catch(unlessAborted) : answer
}

/** A name server that fails says nothing about a domain. */
function unlessAborted(error: unknown): Answer {
  if (isPosternError(error, 'DNS_FAILED')) return 'unknown'
  throw error
}

function verdictOf(answer: Answer, domain: string) {
  const said = { reason: 'MFCHECK', evidence: { domain, answer } }
  switch (answer) {
    case 'yes':
      return pass()
    case 'unknown':
      return defer('4.3.0', 'DNS temporary failure', said)
    case 'null mx':
      return reject('5.7.27', 'sorry, your envelope sender domain takes no mail', said)
    case 'no':
    case 'no domain':
      return reject('5.7.1', 'sorry, your envelope sender domain must exist', said)
  }
}

function logAnswer(
  log: Log,
  {
    level,
    ...fields
  }: { level: number; answer: Answer; domain: string; session: string; address: string },
): void {
  if (level >= (fields.answer === 'yes' ? 3 : 2)) log.info('mfcheck.answered', fields)
}
