/**
 * Lists of domains by DNS (right-hand-side lists), asked about the domain of the reverse-path and the name in HELO.
 * All lists are asked at once within one budget; what they say together decides.
 */
import {
  after,
  asciiDomain,
  definePlugin,
  defer,
  option,
  pass,
  reject,
  together,
  type Defer,
  type FaultOutcome,
  type MaybePromise,
  type Pass,
  type Reject,
} from 'postern/plugin'
import { dnsListsOption } from '../shared/dns-list/dns-list.ts'
import {
  domainTestPoints,
  ListPanel,
  weightOf,
  type PanelAnswer,
} from '../shared/dns-list/list-panel.ts'
import { listedText } from '../shared/dns-list/listed-text.ts'
import { evidenceOfAll, isClear, noAnswer, weighed } from '../shared/dns-list/scales.ts'

export const rhsbl = definePlugin({
  name: 'rhsbl',
  summary: 'Refuses senders and HELO names whose domain DNS lists hold.',
  defaults: {
    refuseAt: 'rcpt',
    onFault: 'pass',
    // Whoever is refused can still write to somebody who can help (RFC 5321 §4.5.1).
    unless: [{ authenticated: true }, { allowed: true }, { recipient: ['postmaster@'] }],
  },
  options: {
    lists: dnsListsOption(
      option.strings({
        description: 'domain[=127.0.1.[2..99]][*weight] [text], as dbl.example.org See %NAME%',
      }),
    ),
    threshold: option.integer({ default: 1, min: 1 }),
    refuse: option.choice(['reject', 'defer'], { default: 'reject' }),
    score: option.number({
      default: 0,
      description:
        'Added to the score of the message for each unit of weight, where it is not refused.',
    }),
    within: option.duration({ default: '3s', description: 'For all lists together.' }),
    hello: option.boolean({ default: true, description: 'Ask about the name in HELO too.' }),
    self_test: option.boolean({
      default: true,
      description: 'Ask each list for its test entries, TEST and INVALID (RFC 5782).',
    }),
  },
  setup({ lists, self_test: selfTest }, { dns, clock, log, metrics }) {
    const panel = new ListPanel({
      dns,
      clock,
      log,
      metrics,
      lists,
      testPoints: domainTestPoints,
      selfTest,
    })
    const judge = (
      names: readonly string[],
      answers: readonly PanelAnswer[],
      { options, onFault }: Judging,
    ): MaybePromise<Pass | Defer | Reject> => {
      // The way of most mail.
      if (answers.every(isClear)) return pass()
      const { threshold, score } = options
      const scales = { threshold, scores: score !== 0, onFault }
      const comes = answers.map((answer) => weighed(answer, scales))
      const evidence = evidenceOfAll(answers)
      const refused = comes.indexOf('refused')
      if (refused !== -1) {
        const said = { reason: 'DOMAIN_LISTED', evidence }
        const name = names[refused] ?? ''
        const [hit] = answers[refused]?.hits.toSorted((a, b) => b.list.weight - a.list.weight) ?? []
        return listedText(hit, { what: name, name, panel }).then((text) =>
          options.refuse === 'defer' ? defer('4.7.1', text, said) : reject('5.7.1', text, said),
        )
      }
      // `on_fault` says what becomes of it.
      if (comes.includes('unknown')) throw noAnswer(answers, onFault)
      if (answers.every(({ hits }) => hits.length === 0)) {
        return pass({ reason: 'LISTS_UNHEARD', evidence })
      }
      const weight = Math.max(0, ...answers.map(({ hits }) => weightOf(hits)))
      const scored = score === 0 ? {} : { score: score * weight }
      return pass({ reason: 'DOMAIN_LISTED', evidence, ...scored })
    }
    return {
      probe: () => panel.probe(),
      async open() {
        panel.open()
      },
      async close() {
        panel.close()
      },
      mail({ session, reversePath }, context) {
        const { options, signal } = context
        const names = namesOf(reversePath?.domain, options.hello ? session.hello?.name : undefined)
        const time = { signal, withinMs: options.within }
        const answers = names.map((name) => panel.ask(name, time))
        return after(together(answers), (all) => judge(names, all, context))
      },
    }
  },
})

interface Judging {
  readonly options: {
    readonly threshold: number
    readonly refuse: 'reject' | 'defer'
    readonly score: number
  }
  readonly onFault: FaultOutcome
}

/** Domains only: a literal or a single label is on no list. Each once. */
function namesOf(...names: readonly (string | undefined)[]): readonly string[] {
  const domains: string[] = []
  for (const name of names) {
    const domain = name === undefined ? '' : asciiDomain(name)
    if (domain.includes('.') && !domains.includes(domain)) domains.push(domain)
  }
  return domains
}
