/**
 * What a domain says of TLS by MTA-STS: the TXT record that there is a policy, and the policy (RFC 8461 §3).
 * Pure; linear and bounded on hostile input.
 */
import { asciiDomain } from '../../mail/domain.ts'

export interface StsPolicy {
  readonly mode: 'enforce' | 'testing' | 'none'
  /** In lower case: names, or `*.suffix` for one label more. */
  readonly mx: readonly string[]
  readonly maxAgeSeconds: number
}

/** RFC 8461 §3.2: about a year. */
const longestSeconds = 31_557_600
const maxPatterns = 100

/** The id of the one STSv1 record; undefined where there is none, or several (RFC 8461 §3.1). */
export function stsId(records: readonly string[]): string | undefined {
  const ours = records.filter((text) => /^v=STSv1[ \t]*;/.test(text))
  const [only, another] = ours
  if (only === undefined || another !== undefined) return undefined
  for (const field of only.slice(0, 1000).split(';')) {
    const [, id] = /^[ \t]*id[ \t]*=[ \t]*([a-z\d]{1,32})[ \t]*$/i.exec(field) ?? []
    if (id !== undefined) return id
  }
  return undefined
}

/** The file `mta-sts.txt`; undefined for what is no valid policy. */
export function parseStsPolicy(text: string): StsPolicy | undefined {
  const fields = new Map<string, string>()
  const mx: string[] = []
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':')
    if (colon < 0) continue
    const key = line.slice(0, colon).trim()
    const value = line.slice(colon + 1).trim()
    if (key === 'mx') mx.push(value.toLowerCase())
    else if (!fields.has(key)) fields.set(key, value)
  }
  const mode = fields.get('mode')
  const age = fields.get('max_age') ?? ''
  if (fields.get('version') !== 'STSv1' || !/^\d{1,10}$/.test(age)) return undefined
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') return undefined
  if (mx.length > maxPatterns || !mx.every(isPattern)) return undefined
  if (mode !== 'none' && mx.length === 0) return undefined
  return { mode, mx, maxAgeSeconds: Math.min(Number(age), longestSeconds) }
}

function isPattern(text: string): boolean {
  return asciiDomain(text.startsWith('*.') ? text.slice(2) : text) !== ''
}

/** Whether a mail exchanger is one of the policy's (RFC 8461 §4.1): a wildcard stands for one label. */
export function isStsExchanger({ mx }: StsPolicy, host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '')
  const dot = name.indexOf('.')
  const parent = dot < 1 ? '' : `*${name.slice(dot)}`
  return mx.some((pattern) => pattern === name || pattern === parent)
}
