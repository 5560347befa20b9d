/**
 * Lists of domains by DNS, asked about what a message links to, in its text and its HTML. All domains are asked about at once
 * within one budget; of what lists say, the domain that weighs most decides.
 */
import { definePlugin, finding, option, pass, type Table } from 'postern/plugin'
import { dnsListsOption } from '../shared/dns-list/dns-list.ts'
import { domainTestPoints, evidenceOf, ListPanel, weightOf } from '../shared/dns-list/list-panel.ts'
import { listedText } from '../shared/dns-list/listed-text.ts'
import { outcomeOption, verdictOn } from '../shared/outcome/outcome.ts'
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
  setup({ lists, self_test: selfTest }, { dns, clock, log }) {
    const panel = new ListPanel({ dns, clock, log, lists, testPoints: domainTestPoints, selfTest })
    return {
      probe: () => panel.probe(),
      async open() {
        panel.open()
      },
      async close() {
        panel.close()
      },
      async message({ message }, { options, signal }) {
        const tree = await message.mime(signal)
        const found = await linkNamesIn(message, tree, { maxBytes: options.bytes, signal })
        const asked = await notAllowed(fewOf(found, options.domains), options.allow, signal)
        const time = { signal, withinMs: options.within }
        const answers = await Promise.all(
          asked.map(async (link) => ({ link, ...(await panel.ask(link.name, time)) })),
        )
        const listed = answers.filter(({ hits }) => hits.length > 0)
        const [worst] = listed.toSorted((one, other) => weightOf(other.hits) - weightOf(one.hits))
        const weight = worst === undefined ? 0 : weightOf(worst.hits)
        const domains = listed.map(({ link }) => link.domain).slice(0, 20)
        const findings = listed.length === 0 ? [] : [finding(linksListed, { weight, domains })]
        if (worst !== undefined && weight >= options.threshold) {
          const [hit] = worst.hits.toSorted((a, b) => b.list.weight - a.list.weight)
          const { domain: what, name } = worst.link
          const text = await listedText(hit, { what, name, panel })
          const detail = `${what}: ${Object.keys(evidenceOf(worst.hits)).join(', ')}`
          const complaint = {
            check: 'link',
            outcome: options.outcome,
            detail,
            text,
            status: '5.7.1' as const,
          }
          return verdictOn([complaint], { reason: 'LINK_LISTED', field: 'X-Link-Listed', findings })
        }
        const failed = new Set(answers.flatMap((answer) => answer.failed))
        // A list that might have tipped the scales failed: `on_fault` says what becomes of it.
        if (failed.size > 0) throw new Error(`no answer from ${[...failed].slice(0, 5).join(', ')}`)
        if (worst === undefined) return pass()
        const evidence = { domain: worst.link.domain, ...evidenceOf(worst.hits) }
        const scored = options.score === 0 ? {} : { score: options.score * weight }
        return pass({ reason: 'LINK_LISTED', evidence, findings, ...scored })
      },
    }
  },
})

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
