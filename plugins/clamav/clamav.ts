/**
 * Asks clamd about every message. What it finds is refused, held, dropped or tagged, as configured; what it cannot
 * say is a fault, never a clean message and never a virus.
 */
import {
  defer,
  definePlugin,
  discard,
  finding,
  option,
  outcomeCounter,
  pass,
  quarantine,
  reject,
  type HeaderEdit,
} from 'postern/plugin'
import { peersOption } from '../shared/peer/peer-address.ts'
import { PeerPanel } from '../shared/peer/peer-panel.ts'
import { forThoseScanned, Simcontrol, simcontrolOption } from '../shared/simcontrol/simcontrol.ts'
import { ping, scan, version, type ScanAnswer } from './clamd.ts'
import { virusScan } from './findings.ts'
import { SignatureWatch } from './signatures.ts'

const outcomes = ['reject', 'quarantine', 'discard', 'tag'] as const
type Outcome = (typeof outcomes)[number]

const field = 'X-Virus-Status'

export const clamav = definePlugin({
  name: 'clamav',
  summary: 'Asks clamd whether a message holds a virus.',
  // Each of two servers may be silent for its patience.
  defaults: { timeoutMs: 90_000 },
  provides: [virusScan],
  options: {
    servers: peersOption(
      option.strings({
        default: ['/run/clamav/clamd.ctl'],
        description:
          'clamd’s sockets, as /run/clamav/clamd.ctl or 127.0.0.1:3310; the first that answers decides.',
      }),
    ),
    infected: option.choice(outcomes, {
      default: 'reject',
      description: 'What becomes of a message in which clamd finds something.',
    }),
    suspicious: option.strings({
      default: [],
      description: 'Beginnings of signatures that are treated otherwise, as Heuristics. or PUA.',
    }),
    suspicious_outcome: option.choice(outcomes, { default: 'quarantine' }),
    max_size: option.size({
      default: '100MB',
      description: 'Larger messages are not sent to clamd; not above its StreamMaxLength.',
    }),
    too_large: option.choice(['reject', 'quarantine', 'defer', 'pass'], {
      default: 'reject',
      description: 'What becomes of those, and of what clamd says is too large.',
    }),
    text: option.string({
      default: 'Your email was rejected because it contains the %s virus',
      description: 'What the client is told; %s is the signature.',
    }),
    header: option.boolean({
      default: false,
      description: `Write ${field} into clean messages too; it is always written into tagged ones.`,
    }),
    simcontrol: simcontrolOption('simscan’s, as text: clam=yes and clam=no.'),
    connect_timeout: option.duration({ default: '3s' }),
    patience: option.duration({
      default: '40s',
      description: 'So long clamd may neither take nor say anything, before the next one is asked.',
    }),
  },
  setup({ servers, too_large: tooLargeOutcome, simcontrol }, { clock, log, metrics, net }) {
    const doors = { clock, net }
    const control = new Simcontrol(simcontrol, log)
    const signatures = new SignatureWatch({ servers, doors, clock, log, metrics })
    const results = { name: 'results_total', help: 'Messages by what clamd said', label: 'result' }
    const count = outcomeCounter(metrics, results, ['clean', 'found', 'too-large'])
    const panel = new PeerPanel({
      addresses: servers,
      clock,
      log,
      metrics,
      ping: (address, signal) => ping(doors, address, signal),
    })
    return {
      async open() {
        signatures.start()
      },
      async close() {
        signatures.stop()
      },
      check() {
        const doubts = control.doubts('clam', 'viruses')
        if (tooLargeOutcome !== 'pass') return doubts
        const problem = 'lets through unscanned whatever is larger than max_size'
        const remedy = 'write reject or quarantine, if a virus may not come in by its size'
        return [...doubts, { option: 'too_large', problem, remedy }]
      },
      probe: (signal) => panel.probe((address) => version(doors, address, signal)),
      classOf: (recipient, transaction) =>
        control.classOf(recipient, transaction, ({ clam }) => clam === true),
      async message({ transaction, message }, { options, signal }) {
        const spared = control.spares('clam', transaction)
        if (spared !== undefined) return spared
        const { connect_timeout: connectMs, patience: patienceMs } = options
        const call = { message, connectMs, patienceMs, signal }
        const answer =
          message.sizeBytes > options.max_size
            ? ({ answer: 'too-large' } as const)
            : await panel.ask((address) => scan(doors, address, call), signal)
        count(answer.answer)
        return forThoseScanned(judged(answer, options), control.scannedBy('clam', transaction))
      },
      unasked: ({ transaction }) => control.spares('clam', transaction),
    }
  },
})

interface Rules {
  readonly infected: Outcome
  readonly suspicious: readonly string[]
  readonly suspicious_outcome: Outcome
  readonly too_large: 'reject' | 'quarantine' | 'defer' | 'pass'
  readonly text: string
  readonly header: boolean
}

function judged(answer: ScanAnswer, rules: Rules) {
  if (answer.answer === 'clean') {
    return pass({
      findings: [finding(virusScan, { scanner: 'clamav', result: 'clean', signature: '' })],
      ...(rules.header ? { headerEdits: written('Clean') } : {}),
    })
  }
  return answer.answer === 'too-large' ? tooLarge(rules) : found(answer.signature, rules)
}

function found(signature: string, rules: Rules) {
  const suspicious = rules.suspicious.some((beginning) => signature.startsWith(beginning))
  const result = suspicious ? 'suspicious' : 'infected'
  const opinion = {
    reason: suspicious ? 'VIRUS_SUSPECTED' : 'VIRUS',
    evidence: { signature },
    findings: [finding(virusScan, { scanner: 'clamav', result, signature })],
  }
  switch (suspicious ? rules.suspicious_outcome : rules.infected) {
    case 'reject':
      return reject(
        '5.7.1',
        rules.text.replaceAll('%s', () => signature),
        opinion,
      )
    case 'quarantine':
      return quarantine(opinion)
    case 'discard':
      return discard(opinion)
    case 'tag':
      return pass({ ...opinion, headerEdits: written(`Infected (${signature})`) })
  }
}

/** No other server is asked: a message is as large for it. */
function tooLarge({ too_large: outcome }: Rules) {
  const opinion = {
    reason: 'VIRUS_SCAN_TOO_LARGE',
    findings: [finding(virusScan, { scanner: 'clamav', result: 'too-large', signature: '' })],
  }
  switch (outcome) {
    case 'reject':
      return reject('5.3.4', 'The message is too large to be scanned for viruses', opinion)
    case 'quarantine':
      return quarantine(opinion)
    case 'pass':
      return pass(opinion)
    case 'defer':
      return defer('4.3.4', 'The message is too large to be scanned for viruses', opinion)
  }
}

/** What a stranger wrote there goes. */
function written(value: string): readonly HeaderEdit[] {
  return [
    { edit: 'remove', name: field },
    { edit: 'prepend', name: field, value },
  ]
}
