/**
 * Whether a recipient exists, by asking the back end that would get the mail: SMTP or LMTP, up to RCPT. Answers are
 * remembered. A back end that does not answer, or answers 4xx, never makes a refusal for good of it.
 */
import {
  definePlugin,
  defer,
  domainKeys,
  isPosternError,
  mailboxKey,
  option,
  parseRouteTarget,
  pass,
  reject,
  relayClient,
  routeTargetRemedy,
  type Table,
} from 'postern/plugin'
import { Answers, Rests, type Answer } from './answers.ts'
import { probe, type BackEnd, type ProbeRequest } from './probe.ts'

export const callForward = definePlugin({
  name: 'call-forward',
  summary: 'Refuses recipients that the back end of their domain does not have.',
  options: {
    back_ends: option.table({
      default: 'tables/call-forward',
      description:
        'Domain and back ends: example.org lmtp:/run/lmtp; a,b: b where a does not answer; * for all others.',
    }),
    within: option.duration({ default: '10s', description: 'For one question to one back end.' }),
    fresh_yes: option.duration({
      default: '24h',
      description: 'So long a recipient that exists is not asked about again.',
    }),
    fresh_no: option.duration({
      default: '10m',
      description: 'So long one that does not is not asked about again.',
    }),
    keep: option.duration({
      default: '30d',
      description: 'So long a yes stands in for a back end that does not answer.',
    }),
    at_once: option.integer({ default: 20, min: 1, description: 'Questions to one back end.' }),
    unavailable: option.choice(['defer', 'pass'], {
      default: 'defer',
      description: 'Where a back end does not answer, and nothing is remembered.',
    }),
  },
  setup({ keep }, { store, clock, net, dns, counters, log, metrics }) {
    const answers = new Answers(store, clock, keep)
    const rests = new Rests(clock)
    const tell = (name: string, isResting: boolean): void => {
      const help = 'Whether a back end is not asked, since it did not answer several times'
      metrics.gauge('back_end_resting', help, { back_end: name }).set(isResting ? 1 : 0)
    }

    /** @returns what the back end said, or why it said nothing */
    const ask = async (name: string, request: ProbeRequest, most: number) => {
      if (rests.rests(name)) return 'it rests, after failing several times'
      if (!(await counters.take(name, most))) return 'too many questions at once'
      try {
        const probed = await probe({ net, dns, clock }, request)
        if (rests.answered(name)) tell(name, false)
        return probed
      } catch (error) {
        if (!isPosternError(error) || request.signal.aborted) throw error
        const resting = rests.failed(name)
        if (resting) tell(name, true)
        log.warn('call-forward.failed', { backEnd: name, error: error.message, resting })
        return error.message
      } finally {
        counters.give(name)
      }
    }

    /** The next one where the one before says nothing: any word of one of them is the answer. */
    const askInTurn = async (
      names: readonly string[],
      request: Omit<ProbeRequest, 'backEnd'>,
      most: number,
    ) => {
      // A mistake in the second is told before the day that the first is down.
      const backEnds = names.map((name) => ({ name, backEnd: parsed(name) }))
      const silent: string[] = []
      for (const { name, backEnd } of backEnds) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        const probed = await ask(name, { ...request, backEnd }, most)
        if (typeof probed !== 'string') return { name, probed }
        silent.push(names.length === 1 ? probed : `${name}: ${probed}`)
      }
      return { name: names.join(','), probed: silent.join('; ') }
    }

    return {
      async rcpt({ transaction: { session }, recipient }, { options, findings, signal }) {
        if (session.user !== undefined || findings.get(relayClient) !== undefined) return pass()
        const { mailbox } = recipient
        const names = backEndsOf(options.back_ends, mailbox.domain)
        if (names.length === 0) return pass()
        const key = mailboxKey(mailbox)
        const known = await answers.find(key, signal)
        const freshMs = known?.exists === true ? options.fresh_yes : options.fresh_no
        if (known !== undefined && known.askedAt + freshMs > clock.now()) {
          return verdictOn(known.exists, names.join(','), 'memory')
        }
        const { hostname } = session
        const request = { mailbox, hostname, signal, deadlineMs: options.within }
        const { name, probed } = await askInTurn(names, request, options.at_once)
        if (typeof probed === 'string') return unavailable(name, probed, known, options)
        const by = `it said ${probed.reply.code} ${probed.reply.status}`.trim()
        if (probed.answer === 'later') return unavailable(name, by, known, options)
        const exists = probed.answer === 'yes'
        answers.keep(key, exists, options.fresh_no)
        return verdictOn(exists, name, by)
      },
    }
  },
})

/** What was there yesterday is there today, as far as anybody can say; what was not may be by now. */
function unavailable(
  backEnd: string,
  why: string,
  known: Answer | undefined,
  options: { readonly unavailable: 'defer' | 'pass' },
) {
  const evidence = { backEnd, why }
  if (known?.exists === true) return pass({ reason: 'REMEMBERED', evidence })
  if (options.unavailable === 'pass') return pass({ reason: 'NO_ANSWER', evidence })
  return defer('4.4.1', 'Cannot verify the recipient now', { reason: 'NO_ANSWER', evidence })
}

function verdictOn(exists: boolean, backEnd: string, by: string) {
  const evidence = { backEnd, by }
  return exists
    ? pass({ reason: 'EXISTS', evidence })
    : reject('5.1.1', 'No such recipient here', { reason: 'NO_SUCH_RECIPIENT', evidence })
}

/** As they are written: the domain's own, those of a `.suffix` above it, or of `*`; in the order they are asked in. */
function backEndsOf(table: Table, domain: string): readonly string[] {
  for (const key of [...domainKeys(domain), '*']) {
    const names = table.get(key)
    // The path of a socket may hold a comma.
    if (typeof names === 'string') return names === 'none' ? [] : names.split(/,(?=[a-z]+:)/i)
  }
  return []
}

/** @throws Error for what is no back end: a fault, and `on_fault` says what becomes of it */
function parsed(name: string): BackEnd {
  const target = parseRouteTarget(name)
  if (
    target === undefined ||
    target.kind === 'mx' ||
    target.kind === 'qmtp' ||
    ('implicitTls' in target && target.implicitTls)
  ) {
    throw new Error(`${name} is no back end: ${routeTargetRemedy}; not mx, qmtp or smtps`)
  }
  return target
}
