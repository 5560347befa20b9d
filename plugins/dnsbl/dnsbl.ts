/**
 * Block and allow lists by DNS, asked about the client's address: what rblsmtpd did, with weights. All lists are asked
 * at once within one budget; what they say together decides. RBLSMTPD in tcp.smtp decides instead of them.
 */
import {
  after,
  definePlugin,
  defer,
  finding,
  option,
  pass,
  reject,
  type Defer,
  type FaultOutcome,
  type JsonObject,
  type MaybePromise,
  type Opinion,
  type Pass,
  type Reject,
  type Verdict,
} from 'postern/plugin'
import { dnsListsOption, reversedAddress } from '../shared/dns-list/dns-list.ts'
import {
  addressTestPoints,
  evidenceOf,
  ListPanel,
  weightOf,
  type Hit,
  type PanelAnswer,
} from '../shared/dns-list/list-panel.ts'
import { listedText } from '../shared/dns-list/listed-text.ts'
import { evidenceOfAll, isClear, noAnswer, weighed } from '../shared/dns-list/scales.ts'
import { originClient, trustedHop } from '../trusted-hops/findings.ts'
import { dnsListed } from './findings.ts'

/** What RBLSMTPD says where no rule sets it. */
const askTheLists = 'ask'

export const dnsbl = definePlugin({
  name: 'dnsbl',
  summary: 'Refuses clients that DNS lists hold, as rblsmtpd does, with weights.',
  defaults: {
    refuseAt: 'rcpt',
    onFault: 'pass',
    // Whoever is refused can still write to somebody who can help (RFC 5321 §4.5.1).
    unless: [{ authenticated: true }, { allowed: true }, { recipient: ['postmaster@'] }],
  },
  wants: [trustedHop, originClient],
  provides: [dnsListed],
  options: {
    lists: dnsListsOption(
      option.strings({
        description: 'domain[=127.0.0.[2..11]][*weight] [text], as zen.example.org*2 See %IP%',
      }),
    ),
    allow: dnsListsOption(
      option.strings({
        default: [],
        description: 'Lists of good clients: whoever is in one is let in, as by rblsmtpd -a.',
      }),
    ),
    threshold: option.integer({
      default: 1,
      min: 1,
      description: 'The sum of weights from which a client is refused.',
    }),
    refuse: option.choice(['reject', 'defer'], {
      default: 'reject',
      description: 'For good (rblsmtpd -b), or for now, so that a mistake costs no mail.',
    }),
    score: option.number({
      default: 0,
      description:
        'Added to the score of the message for each unit of weight, where it is not refused.',
    }),
    via_hop: option.choice(['report', 'refuse'], {
      default: 'report',
      description:
        'A listed client whose mail a relay of ours brings (trusted-hops): a refusal makes that relay send a bounce.',
    }),
    within: option.duration({ default: '3s', description: 'For all lists together.' }),
    self_test: option.boolean({
      default: true,
      description: 'Ask each list for its test entries, 127.0.0.2 and 127.0.0.1 (RFC 5782).',
    }),
    override: option.string({
      default: askTheLists,
      env: 'RBLSMTPD',
      description:
        'Decides instead of the lists: empty lets in, -text refuses for good, text for now.',
    }),
  },
  setup({ lists, allow, self_test: selfTest }, { dns, clock, log, metrics }) {
    const panel = new ListPanel({
      dns,
      clock,
      log,
      metrics,
      lists: [...lists, ...allow],
      testPoints: addressTestPoints,
      selfTest,
    })
    const judge = (
      address: string,
      { options, onFault, signal }: Judging,
      threshold = options.threshold,
    ): MaybePromise<Judgement> => {
      const name = reversedAddress(address)
      if (name === undefined) return pass()
      return after(panel.ask(name, { signal, withinMs: options.within }), (answer) => {
        // The way of most mail.
        if (isClear(answer)) return pass()
        const good = answer.hits.find(({ list }) => allow.includes(list))
        if (good !== undefined) return allowed(good)
        const scales = { threshold, scores: options.score !== 0, onFault, allow }
        const comes = weighed(answer, scales)
        // `on_fault` says what becomes of it.
        if (comes === 'unknown') throw noAnswer([answer], onFault)
        if (comes === 'let in') return letIn(answer, options.score)
        const [worst] = answer.hits.toSorted((a, b) => b.list.weight - a.list.weight)
        return listedText(worst, { what: address, name, panel }).then((text) =>
          objection(options.refuse === 'defer', text, opinion(answer)),
        )
      })
    }
    return {
      probe: () => panel.probe(),
      async open() {
        panel.open()
      },
      async close() {
        panel.close()
      },
      connect({ session }, context) {
        const { options, findings } = context
        const { address } = session.remote
        if (options.override !== askTheLists) return ruled(options.override, address)
        // Who sent what a relay of ours brings is known when the message is there.
        if (findings.get(trustedHop) !== undefined) return pass()
        return judge(address, context)
      },
      message(_event, context) {
        const { options, findings } = context
        const origin = findings.get(originClient)
        if (origin === undefined || options.override !== askTheLists) return pass()
        const threshold = options.via_hop === 'refuse' ? options.threshold : Infinity
        return judge(origin.address, context, threshold)
      },
    }
  },
})

interface Judging {
  readonly options: {
    readonly within: number
    readonly threshold: number
    readonly score: number
    readonly refuse: 'reject' | 'defer'
  }
  readonly onFault: FaultOutcome
  readonly signal: AbortSignal
}

/** With what the lists say of the client. */
type Judgement = Pass<'dns-listed'> | Defer<'dns-listed'> | Reject<'dns-listed'>

/** A good name goes on to later entries: greylisting, for one, lets such clients pass. */
function allowed(hit: Hit) {
  return pass({
    reason: 'DNS_ALLOWED',
    evidence: evidenceOf([hit]),
    findings: [finding(dnsListed, { weight: -1, lists: [hit.list.base] })],
  })
}

/** RBLSMTPD's word, by rblsmtpd's rules. */
function ruled(value: string, address: string): Verdict & { verdict: 'pass' | 'defer' | 'reject' } {
  const evidence = { RBLSMTPD: value.slice(0, 200) }
  if (value === '') return pass({ reason: 'RBLSMTPD', evidence })
  const text = (value.startsWith('-') ? value.slice(1) : value).replaceAll('%IP%', address)
  return objection(!value.startsWith('-'), text === '' ? 'Refused by local policy' : text, {
    reason: 'RBLSMTPD',
    evidence,
  })
}

interface Said {
  readonly reason: string
  readonly evidence: JsonObject
}

function objection<Given extends string = never>(
  forNow: boolean,
  text: string,
  said: Said & Opinion<Given>,
): Defer<Given> | Reject<Given> {
  return forNow ? defer('4.7.1', text, said) : reject('5.7.1', text, said)
}

function opinion(answer: PanelAnswer) {
  const lists = answer.hits.map(({ list }) => list.base)
  return {
    reason: 'DNS_LISTED',
    evidence: evidenceOfAll([answer]),
    findings: [finding(dnsListed, { weight: weightOf(answer.hits), lists })],
  }
}

/** Not enough to refuse, whatever the lists that were not heard hold. */
function letIn(answer: PanelAnswer, score: number) {
  if (answer.hits.length === 0) {
    return pass({ reason: 'LISTS_UNHEARD', evidence: evidenceOfAll([answer]) })
  }
  const scored = score === 0 ? {} : { score: score * weightOf(answer.hits) }
  return pass({ ...opinion(answer), ...scored })
}
