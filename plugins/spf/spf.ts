/**
 * Whether the client may send for the domain of the reverse-path (RFC 7208), and what becomes of it by SPFBEHAVIOR. It
 * reports what it found to later entries, whatever it decides.
 */
import {
  controlInteger,
  controlLine,
  defer,
  definePlugin,
  finding,
  formatMailbox,
  option,
  pass,
  reject,
  relayClient,
  type HeaderEdit,
  type Session,
} from 'postern/plugin'
import { behaviour, levels, usualLevel } from './behaviour.ts'
import { loadSpf, type SpfAnswer } from './evaluate.ts'
import { spfResult } from './findings.ts'
import { SpfMemory } from './memory.ts'

export const spf = definePlugin({
  name: 'spf',
  summary: 'Checks the client against the sender domain’s SPF policy (SPFBEHAVIOR).',
  defaults: { refuseAt: 'rcpt', unless: { authenticated: true } },
  provides: [spfResult],
  options: {
    level: option.choice(levels, {
      default: 'control',
      env: 'SPFBEHAVIOR',
      description:
        '0: off; 1: header only; 2: defer where the DNS fails; 3: refuse fail; 4: and softfail; 5: and neutral; 6: and no policy.',
    }),
    control: option.file({ default: 'control/spfbehavior' }),
    rules: option.file({
      default: 'control/spfrules',
      description: 'Mechanisms that are tried before a failure, one line.',
    }),
    guess: option.file({
      default: 'control/spfguess',
      description: 'Mechanisms for domains without a policy, one line.',
    }),
    explanation: option.file({
      default: 'control/spfexp',
      description: 'What a client is told whose sender’s domain gives no explanation.',
    }),
    block_plus_all: option.boolean({
      default: false,
      env: 'SPF_BLOCK_PLUS_ALL',
      description: 'A policy with +all lets everybody send: it fails.',
    }),
    log: option.boolean({ default: false, env: 'SPF_LOG', description: 'Log each answer.' }),
  },
  setup({ control, rules, guess, explanation }, { clock, dns, log }) {
    const memory = new SpfMemory(clock)
    const level = control.follow((bytes) => controlInteger(bytes, usualLevel).value)
    const locally = {
      rules: rules.follow((bytes) => controlLine(bytes, '').value),
      guess: guess.follow((bytes) => controlLine(bytes, '').value),
    }
    const words = explanation.follow((bytes) => controlLine(bytes, '').value)
    return {
      async open() {
        await loadSpf()
      },
      async mail({ session, reversePath }, { options, findings, signal }) {
        const inForce = options.level === 'control' ? level.current : Number(options.level)
        if (inForce < 1 || session.user !== undefined) return pass()
        if (findings.get(relayClient) !== undefined || isOurselves(session)) return pass()
        const answer = await memory.evaluate(
          {
            address: session.remote.address,
            sender: reversePath === null ? '' : formatMailbox(reversePath),
            hello: session.hello?.name ?? '',
            hostname: session.hostname,
          },
          { rules: locally.rules.current, guess: locally.guess.current },
          { dns, signal },
        )
        const { domain, by } = answer
        const plusAll =
          options.block_plus_all && /(?:^|\s)\+?all(?:\s|$)/i.test(answer.record ?? '')
        const result = plusAll && answer.result === 'pass' ? 'fail' : answer.result
        if (options.log)
          log.info('spf.answered', { address: session.remote.address, result, domain, by })
        const identity = reversePath === null ? 'helo' : 'mailfrom'
        const opinion = {
          reason: `SPF_${result.toUpperCase()}`,
          evidence: { domain, by, record: (answer.record ?? '').slice(0, 500) },
          findings: [finding(spfResult, { result, domain, identity })],
          headerEdits: received(answer),
        }
        switch (behaviour(result, inForce)) {
          case 'accept':
            return pass(opinion)
          case 'defer':
            return defer('4.4.3', 'SPF lookup failure', { ...opinion, at: 'now' })
          case 'reject': {
            const text = plusAll
              ? `${domain} has an improper SPF record`
              : explain(answer, words.current, session)
            return reject('5.7.23', text, opinion)
          }
        }
      },
    }
  },
})

/** What comes from this host itself is nobody else's. */
function isOurselves({ remote, local }: Session): boolean {
  return (
    remote.address === local.address ||
    remote.address === '::1' ||
    remote.address.startsWith('127.')
  )
}

function received({ field }: SpfAnswer): readonly HeaderEdit[] {
  if (field === '') return []
  return [{ edit: 'prepend', name: 'Received-SPF', value: field.replace(/\s+/g, ' ') }]
}

/** The domain's own words come from the network: one line of printable ASCII, and not too long (RFC 7208 §11.3). */
function explain(
  { explanation, domain, result }: SpfAnswer,
  ours: string,
  session: Session,
): string {
  const usual =
    ours === '' ? `SPF says ${result} for ${domain} from ${session.remote.address}` : ours
  if (explanation === undefined || explanation === '') return usual
  return `${domain} explains: ${explanation.slice(0, 300).replace(/[^\x20-\x7e]/g, '?')}`
}
