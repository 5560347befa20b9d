import { formatMistake } from '../config/format-mistake.ts'
import { legible } from '../formats/plain-line.ts'
import type { RelayProof, VouchingEntry } from '../tools/relay-proof.ts'
import { countOf } from './count.ts'

const mostShown = 20

/** Why a gateway is no open relay, for people. */
export function formatRelayProof({ entries, rules, holes }: RelayProof): string {
  const ruleLines = rules.slice(0, mostShown).map(({ clients, line, variable }) => {
    const place = line === undefined ? '' : `line ${line}: `
    return `  ${place}${variable} for ${clients === '' ? 'everybody' : legible(clients)}`
  })
  const more = rules.length - ruleLines.length
  return `${[
    'A recipient is accepted only where one of these entries vouches for it:',
    ...entries.flatMap(entryLines),
    ...(entries.length === 0 ? ['  none: every recipient is refused'] : []),
    ...(rules.length === 0 ? [] : ['by these rules of tcp.smtp:', ...ruleLines]),
    ...(more > 0 ? [`  and ${more} more`] : []),
    holes.length === 0
      ? 'None accepts a foreign domain without a login or a relay rule.'
      : `Strangers may relay, or it cannot be told (${countOf(holes.length, 'way')}):`,
    ...holes.map((hole) => `  ${legible(formatMistake(hole))}`),
  ].join('\n')}\n`
}

function entryLines({
  name,
  plugin,
  mode,
  vouching,
  when,
  unless,
}: VouchingEntry): readonly string[] {
  const { domains, tables = [], signed, networks = [], variable, logins } = vouching ?? {}
  const shadow = mode === 'shadow' ? ', in shadow: its word does not count' : ''
  const listed = (domains ?? []).slice(0, mostShown).map((domain) => legible(domain))
  const rest = (domains ?? []).length - listed.length
  return [
    `  ${name}${name === plugin ? '' : ` (${plugin})`}${shadow}`,
    ...(vouching === undefined ? ['    for whom, the plugin does not say'] : []),
    ...(domains === undefined
      ? []
      : [`    domains: ${listed.join(' ') || 'none'}${rest > 0 ? ` and ${rest} more` : ''}`]),
    ...tables.map((table) => `    those of ${legible(table)}`),
    ...(signed === undefined ? [] : [`    ${legible(signed)}`]),
    ...(networks.length === 0 ? [] : [`    any recipient, for clients in ${networks.join(' ')}`]),
    ...(variable === undefined ? [] : [`    any recipient, for clients with ${variable}`]),
    ...(logins === true ? ['    any recipient, for whoever has logged in'] : []),
    ...(when === undefined ? [] : [`    only when ${legible(JSON.stringify(when))}`]),
    ...(unless === undefined ? [] : [`    not for ${legible(JSON.stringify(unless))}`]),
  ]
}
