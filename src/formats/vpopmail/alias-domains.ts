/**
 * The alias domains of a vpopmail: vaddaliasdomain writes a line of users/assign whose prefix is the alias and whose user is
 * the domain that it means, `+alias.test-:here.test:89:89:/home/vpopmail/domains/here.test:-::`.
 */
import { lowerAscii } from '../octets.ts'

/** @returns the domain that each alias means; of two lines for one alias, the first counts */
export function vpopmailAliasDomains(assign: string): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>()
  for (const line of assign.split('\n')) {
    if (line === '.') break
    const [prefix = '', user = '', , , , dash] = line.split(':')
    if (!prefix.startsWith('+') || !prefix.endsWith('-') || dash !== '-') continue
    const name = lowerAscii(prefix.slice(1, -1))
    const domain = lowerAscii(user)
    const areDomains = name.includes('.') && domain.includes('.')
    if (areDomains && name !== domain && !aliases.has(name)) aliases.set(name, domain)
  }
  return aliases
}
