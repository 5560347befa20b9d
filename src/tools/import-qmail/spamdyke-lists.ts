/** White and black lists of spamdyke: rules of the plugin lists, and recipients that nothing is taken for. */
import { readRule, type ListWord } from '../../formats/list-rules.ts'
import { spamdykeNetwork } from '../../formats/spamdyke.ts'
import { spamdykeEntry, unfiltered } from './spamdyke-entries.ts'
import type { SpamdykeOptions } from './spamdyke-options.ts'
import { spamdykeRemark } from './spamdyke-remarks.ts'
import type { WrittenEntry } from './written-config.ts'

const listsFile = 'tables/lists'
const badrcpttoFile = 'tables/spamdyke-badrcptto'

const listRemarks: Readonly<Record<string, string>> = {
  'ip-whitelist':
    'what judges a reputation passes them; viruses, relaying and unknown recipients are looked at as ever',
  'rdns-whitelist':
    'a name counts where it leads back to the address; what judges a reputation passes them, nothing else',
  'rdns-blacklist': 'a name counts where it leads back to the address',
  'sender-whitelist':
    'a sender counts where SPF or DKIM proves it, since anybody may write any; what judges a reputation passes it',
  'recipient-whitelist': 'what judges a reputation passes them, nothing else',
}

/** White and black lists in files: rules of the plugin lists. A white one wins, as it does there. */
export function lists(options: SpamdykeOptions): readonly WrittenEntry[] {
  const rules = new Map<string, ListWord>()
  for (const word of ['allow', 'block'] as const) {
    const colour = word === 'allow' ? 'white' : 'black'
    addRules({ options, rules, word }, `ip-${colour}list`, (value) => {
      const network = spamdykeNetwork(value)
      return network === undefined ? [] : [`client ${network}`]
    })
    addRules({ options, rules, word }, `rdns-${colour}list`, (value) => {
      // Below it and itself.
      return value.startsWith('.') ? [`name ${value}`, `name ${value.slice(1)}`] : [`name ${value}`]
    })
    addRules({ options, rules, word }, `sender-${colour}list`, (value) => {
      if (!value.includes('@')) return []
      return value.startsWith('@')
        ? [`sender ${value}`, `sender .${value.slice(1)}`]
        : [`sender ${value}`]
    })
  }
  addRules({ options, rules, word: 'allow' }, 'recipient-whitelist', (value) => {
    const whom = value.replace(/^@/, '')
    return value.includes('@') ? [`client 0.0.0.0/0 for ${whom}`, `client ::/0 for ${whom}`] : []
  })
  if (rules.size === 0) return []
  const text = [...rules].map(([subject, word]) => `${word} ${subject}\n`).join('')
  // Each listener has its own: whom one of them trusts, another may block.
  const file = options.files.makeBeside(listsFile, text)
  if (file !== listsFile) {
    const remark = `another listener has other lists: postern list changes those of ${listsFile} alone`
    options.say(`white and black lists of ${options.source}`, options, file, remark)
  }
  return [spamdykeEntry('lists', 'white and black lists', { file })]
}

interface RulesRequest {
  readonly options: SpamdykeOptions
  /** By what they are about; the first that came counts. */
  readonly rules: Map<string, ListWord>
  readonly word: ListWord
}

function addRules(
  { options, rules, word }: RulesRequest,
  option: string,
  subjectsOf: (value: string) => readonly string[],
): void {
  const given = options.listed(option)
  if (given[0] === undefined) return
  const unfit: string[] = []
  for (const { value } of given) {
    const subjects = subjectsOf(value)
    const fits = subjects.map((each) => typeof readRule(`${word} ${each}`.split(' ')) !== 'string')
    if (subjects.length === 0 || fits.includes(false)) unfit.push(value)
    else for (const each of subjects) if (!rules.has(each)) rules.set(each, word)
  }
  options.say(`${option}, ${given.length} of them`, given[0], listsFile, listRemarks[option])
  if (unfit.length === 0) return
  const some = `${unfit.slice(0, 3).join(', ')}${unfit.length > 3 ? ' …' : ''}`
  const remark = `no rule of a list says this: ${some}`
  options.findings.unsupported(`spamdyke ${option}: ${unfit.length} lines`, given[0].source, remark)
}

export function badrcptto(options: SpamdykeOptions): readonly WrittenEntry[] {
  for (const { value, source } of options.take('reject-recipient')) {
    if (value === 'none') continue
    const remark =
      value === 'same-as-sender'
        ? spamdykeRemark('reject-identical-sender-recipient').remark
        : 'recipients are verified by validrcptto, mailboxes or call-forward'
    options.findings.unsupported(`spamdyke reject-recipient=${value}`, source, remark)
  }
  const given = options.listed('recipient-blacklist')
  if (given[0] === undefined) return []
  const hasWild = given.some(({ value }) => value.startsWith('@'))
  const remark = hasWild ? '@domain is the domain alone here, not those below it' : undefined
  const all = new Set(given.map(({ value }) => value))
  const text = [...all].map((line) => `${line}\n`).join('')
  const file = options.files.makeBeside(badrcpttoFile, text)
  options.say(`recipient-blacklist, ${given.length} of them`, given[0], file, remark)
  // That of qmail has an entry of its own.
  const norelay = `${badrcpttoFile}norelay`
  options.files.make(norelay, new Uint8Array())
  const written = { file, norelay, dialect: 'qmail' }
  return [spamdykeEntry('badrcptto', 'recipient-blacklist', written, { unless: unfiltered })]
}
