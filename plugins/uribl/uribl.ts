/**
 * Lists of domains by DNS, asked about what a message links to, in its text and its HTML. All domains are asked about at once
 * within one budget; of what lists say, the domain that weighs most decides.
 */
import { definePlugin, finding, option, pass, type Table } from 'postern/plugin'
import { dnsListsOption } from '../shared/dns-list/dns-list.ts'
import {
  domainTestPoints,
  evidenceOf,
  ListPanel,
  weightOf,
  type PanelAnswer,
} from '../shared/dns-list/list-panel.ts'
import { listedText } from '../shared/dns-list/listed-text.ts'
import { isClear, noAnswer, silenceIn, weighed } from '../shared/dns-list/scales.ts'
import { outcomeOption, verdictOn, type Outcome } from '../shared/outcome/outcome.ts'
import { linksListed } from './findings.ts'
import { linkNamesIn, type LinkName } from './link-names.ts'

export const uribl = definePlugin({
  name: 'uribl',
  summary: 'Asks DNS lists about the domains that a message links to.',
  provides: [linksListed],
  defaults: { onFault: 'pass', unless: [{ authenticated: true }, { allowed: true }] },
  options: {
    lists: dnsListsOption(
      option.strings({
        description: 'domain[=127.0.1.[2..99]][*weight] [text], as dbl.example.org See %NAME%',
      }),
    ),
    threshold: option.integer({ default: 1, min: 1 }),
    outcome: outcomeOption({ default: 'reject', description: 'At the threshold.' }),
    score: option.number({
      default: 0,
      description: 'Added to the score of the message for each unit of weight below the threshold.',
    }),
    allow: option.table({
      default: 'tables/uribl-allow',
      description: 'Domains that are not asked about.',
    }),
    domains: option.integer({ default: 30, min: 1, max: 200, description: 'Asked about at most.' }),
    bytes: option.size({ default: '256KB', description: 'Decoded text that is read at most.' }),
    within: option.duration({ default: '3s', description: 'For all lists together.' }),
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
    return {
      probe: () => panel.probe(),
      async open() {
        panel.open()
      },
      async close() {
        panel.close()
      },
      async message({ message }, { options, onFault, signal }) {
        const tree = await message.mime(signal)
        const found = await linkNamesIn(message, tree, { maxBytes: options.bytes, signal })
        const asked = await notAllowed(fewOf(found, options.domains), options.allow, signal)
        const time = { signal, withinMs: options.within }
        const answers = await Promise.all(
          asked.map(async (link) => ({ link, ...(await panel.ask(link.name, time)) })),
        )
        const { threshold, score } = options
        const scales = { threshold, scores: score !== 0, onFault }
        const refused = answers.filter((answer) => weighed(answer, scales) === 'refused')
        const worst = heaviest(refused)
        if (worst !== undefined) {
          return refusal(worst, { answers, outcome: options.outcome, panel })
        }
        // `on_fault` says what becomes of it.
        if (answers.some((answer) => weighed(answer, scales) === 'unknown')) {
          throw noAnswer(answers, onFault)
        }
        return letThrough(answers, score)
      },
    }
  },
})

/** What the lists say of a link. */
type Answered = PanelAnswer & { readonly link: LinkName }

interface Refusing {
  readonly answers: readonly Answered[]
  readonly outcome: Outcome
  readonly panel: ListPanel
}

async function refusal(worst: Answered, { answers, outcome, panel }: Refusing) {
  const [hit] = worst.hits.toSorted((a, b) => b.list.weight - a.list.weight)
  const { domain: what, name } = worst.link
  const text = await listedText(hit, { what, name, panel })
  const detail = `${what}: ${Object.keys(evidenceOf(worst.hits)).join(', ')}`
  const complaint = { check: 'link', outcome, detail, text, status: '5.7.1' as const }
  const said = { reason: 'LINK_LISTED', field: 'X-Link-Listed', findings: findingsOf(answers) }
  return verdictOn([complaint], said)
}

/** Not enough to refuse, whatever the lists that were not heard hold. */
function letThrough(answers: readonly Answered[], score: number) {
  if (answers.every(isClear)) return pass()
  const silence = silenceIn(answers)
  const worst = heaviest(answers)
  if (worst === undefined) return pass({ reason: 'LISTS_UNHEARD', evidence: silence })
  const evidence = { domain: worst.link.domain, ...silence, ...evidenceOf(worst.hits) }
  const scored = score === 0 ? {} : { score: score * weightOf(worst.hits) }
  return pass({ reason: 'LINK_LISTED', evidence, findings: findingsOf(answers), ...scored })
}

function findingsOf(answers: readonly Answered[]) {
  const worst = heaviest(answers)
  if (worst === undefined) return []
  const domains = answers.filter(({ hits }) => hits.length > 0).map(({ link }) => link.domain)
  return [finding(linksListed, { weight: weightOf(worst.hits), domains: domains.slice(0, 20) })]
}

/** Of those that a list holds, the one that weighs most. */
function heaviest(answers: readonly Answered[]): Answered | undefined {
  const listed = answers.filter(({ hits }) => hits.length > 0)
  return listed.toSorted((one, other) => weightOf(other.hits) - weightOf(one.hits))[0]
}

/** Of too many, some from the beginning and some from the end: neither place is a hiding-place. */
function fewOf(links: readonly LinkName[], most: number): readonly LinkName[] {
  if (links.length <= most) return links
  const first = Math.ceil(most / 2)
  return [...links.slice(0, first), ...links.slice(links.length - (most - first))]
}

async function notAllowed(
  links: readonly LinkName[],
  allow: Table,
  signal: AbortSignal,
): Promise<readonly LinkName[]> {
  const allowed = await Promise.all(links.map(async ({ domain }) => allow.has(domain, signal)))
  return links.filter((_, index) => allowed[index] === false)
}
