/** tcp.smtp as it is in force: its text where the cdb says the same, else what stands in the cdb. */
import { CdbError, readAtBytes } from '../../formats/cdb.ts'
import { openCdb } from '../../formats/cdb-reader.ts'
import { latin1, latin1Bytes } from '../../formats/octets.ts'
import { compileTcpRules, parseTcpRules } from '../../formats/tcprules.ts'
import type { ImportFindings } from './findings.ts'
import type { Installation } from './installation.ts'

export interface ClientRules {
  /** The bytes of a tcp.smtp for Postern. */
  readonly text: Uint8Array
  /** The file that decides, as the installation names it. */
  readonly path?: string
  /** Variables that some rule sets, each with all its values. */
  readonly variables: ReadonlyMap<string, ReadonlySet<string>>
  /** As they lie there they let everybody relay; `text` does not. */
  readonly openRelay: boolean
}

export interface RulesRequest {
  readonly installation: Installation
  readonly findings: ImportFindings
  /** What tcpserver's -x names; without it there are no rules. */
  readonly cdbPath: string | undefined
  readonly source: string
  /** Variables of the run script that only a rule can set here: added wherever a rule does not set them. */
  readonly everywhere: ReadonlyMap<string, string>
  /** DIEMSG of the run script: what clients are told whom a rule denies. */
  readonly denied: string | undefined
}

const noRules = '# tcpserver had no rules: everybody is served.\n:allow\n'

export function readClientRules(request: RulesRequest): ClientRules {
  const { cdbPath, findings, source } = request
  const writer = new RulesWriter(request)
  if (cdbPath === undefined) {
    findings.mapped('no rules for clients', source, 'tcp.smtp')
    return writer.fromText(latin1Bytes(noRules), source)
  }
  const textPath = cdbPath.replace(/\.cdb$/, '')
  const cdb = request.installation.bytes(cdbPath)
  const text = textPath === cdbPath ? undefined : request.installation.bytes(textPath)
  if (cdb === undefined) {
    const remark =
      text === undefined
        ? `there is no ${textPath} either: tcpserver drops every client; here everybody is served, and nobody may relay`
        : 'tcpserver drops every client without it; the text is in force here'
    findings.dangerous(`${cdbPath} is missing`, source, remark)
    return writer.fromText(text ?? latin1Bytes(noRules), textPath)
  }
  if (text !== undefined && saysTheSame(text, cdb)) {
    findings.mapped('the rules for clients', textPath, 'tcp.smtp')
    return { ...writer.fromText(text, textPath), path: textPath }
  }
  if (text !== undefined) {
    const remark =
      'the cdb is in force, and its rules were taken: lines in the order of the cdb, no comments'
    findings.difference(`${textPath} says something else than ${cdbPath}`, cdbPath, {
      to: 'tcp.smtp',
      remark,
    })
  } else findings.mapped('the rules for clients', cdbPath, 'tcp.smtp')
  return { ...writer.fromCdb(cdb, cdbPath), path: cdbPath }
}

function saysTheSame(text: Uint8Array, cdb: Uint8Array): boolean {
  const parsed = parseTcpRules(text)
  return parsed.mistakes.length === 0 && Buffer.compare(compileTcpRules(parsed), cdb) === 0
}

interface Rule {
  readonly key: string
  readonly denies: boolean
  readonly variables: readonly (readonly [name: string, value: string])[]
}

class RulesWriter {
  readonly #request: RulesRequest
  readonly #variables = new Map<string, Set<string>>()
  #hasDefault = false
  #openRelay = false

  constructor(request: RulesRequest) {
    this.#request = request
  }

  /** Lines that need no change stay as they are, comments too. */
  fromText(bytes: Uint8Array, path: string): ClientRules {
    const lines = latin1(bytes).split('\n')
    if (lines.at(-1) === '') lines.pop()
    const out = lines.map((line, index) => {
      const { records, mistakes } = parseTcpRules(latin1Bytes(line))
      const source = `${path}:${index + 1}`
      if (mistakes.length > 0) {
        const remark =
          'tcprules stops at this line, so that an older cdb stays in force; it is left out'
        this.#request.findings.unsupported('a line that is no rule', source, remark)
        return `# not a rule: ${line}`
      }
      const [first] = records
      if (first === undefined) return line
      const rule = ruleOf(first.key, first.data)
      const changed = this.#safe(rule, source)
      if (changed === rule) return line
      return formatRule({ ...changed, key: line.slice(0, line.indexOf(':')) }) ?? line
    })
    return this.#done(out)
  }

  fromCdb(bytes: Uint8Array, path: string): ClientRules {
    const out: string[] = []
    try {
      for (const [key, data] of openCdb(readAtBytes(bytes)).entries()) {
        const line = formatRule(this.#safe(ruleOf(latin1(key), latin1(data)), path))
        if (line === undefined) {
          this.#request.findings.unsupported(
            `the rule for ${latin1(key)}`,
            path,
            'it cannot be written as text',
          )
        } else out.push(line)
      }
    } catch (error) {
      if (!(error instanceof CdbError)) throw error
      this.#request.findings.dangerous(`${path} is damaged`, path, error.message)
    }
    return this.#done(out)
  }

  #done(lines: readonly string[]): ClientRules {
    const more = this.#hasDefault ? [] : [formatRule(this.#safe(ruleOf('', ''), 'tcp.smtp'))]
    // Without variables for everybody, no rule for everybody is as good as one.
    const all =
      this.#request.everywhere.size === 0
        ? lines
        : [...lines, ...more.map((line) => line ?? ':allow')]
    const text = latin1Bytes(`${all.join('\n')}\n`)
    return { text, variables: this.#variables, openRelay: this.#openRelay }
  }

  /** Without RELAYCLIENT for everybody, and with the variables of the run script. The same object where nothing changes. */
  #safe(rule: Rule, source: string): Rule {
    if (rule.key === '') this.#hasDefault = true
    const forEverybody = rule.key === '' || rule.key === '='
    const relays = rule.variables.some(([name]) => name === 'RELAYCLIENT')
    if (relays && forEverybody && !rule.denies) {
      const who = rule.key === '' ? 'everybody' : 'every client that has a name'
      const remark = 'an open relay: RELAYCLIENT is left out; name your own networks instead'
      this.#openRelay = true
      this.#request.findings.dangerous(`${who} may relay (RELAYCLIENT)`, source, remark)
    } else if (relays && !rule.denies && rule.key.includes('=')) {
      const remark =
        'whoever controls the reverse DNS of an address chooses its name: only names that lead back are believed here'
      this.#request.findings.difference(`clients named ${rule.key} may relay`, source, {
        to: 'tcp.smtp',
        remark,
      })
    }
    const kept = rule.variables.filter(([name]) => name !== 'RELAYCLIENT' || !forEverybody)
    const { denied, everywhere } = this.#request
    const more = rule.denies
      ? new Map(denied === undefined ? [] : [['DIEMSG', denied]])
      : everywhere
    const added = [...more].filter(([name]) => !kept.some(([set]) => set === name))
    const variables = [...kept, ...added]
    for (const [name, value] of variables) {
      const values = this.#variables.get(name) ?? new Set()
      this.#variables.set(name, values.add(value))
    }
    return kept.length === rule.variables.length && added.length === 0
      ? rule
      : { ...rule, variables }
  }
}

function ruleOf(key: string, data: string): Rule {
  const items = data.split('\0').slice(0, -1)
  return {
    key,
    denies: items.includes('D'),
    variables: items.flatMap((item) => {
      if (!item.startsWith('+')) return []
      const [name = '', ...value] = item.slice(1).split('=')
      return [[name, value.join('=')] as const]
    }),
  }
}

/** Undefined where no quote is left, or where the address holds what ends it. */
function formatRule({ key, denies, variables }: Rule): string | undefined {
  const parts = variables.map(([name, value]) => {
    const quote = '"+/|^~'.split('').find((each) => !value.includes(each))
    return quote === undefined || /[\n\0]/.test(value)
      ? undefined
      : `,${name}=${quote}${value}${quote}`
  })
  if (parts.includes(undefined) || /[:\n#]/.test(key)) return undefined
  return `${key}:${denies ? 'deny' : 'allow'}${parts.join('')}`
}
