/**
 * simscan's control/simcontrol: `key:option=value,option=value` a line, what is done for whom. The key is an address, a
 * domain, or nothing for everybody else. Nothing here throws: what cannot mean anything is a mistake and is left out.
 */
import { RE2JS } from 're2js'
import { errorMessage } from '../mail/errors.ts'
import { controlList, sound, strayCharacter, type ControlReading } from './control.ts'
import type { LineMistake } from './line-mistake.ts'
import { lowerAscii } from './octets.ts'

/** What one line says, or several lines together; what is not said is absent. */
export interface SimOptions {
  readonly clam?: boolean
  readonly trophie?: boolean
  readonly spam?: boolean
  readonly spamHits?: number
  readonly spamPassthru?: boolean
  /** Ends of file names, in lower case. */
  readonly attach?: readonly string[]
  /** Expressions that a line of the message must not match. */
  readonly regex?: readonly string[]
}

export interface SimEntry {
  readonly line: number
  readonly options: SimOptions
}

/** By key, in lower case. */
export type SimControl = ReadonlyMap<string, SimEntry>

export function parseSimcontrol(bytes: Uint8Array | undefined): ControlReading<SimControl> {
  const value = new Map<string, SimEntry>()
  const mistakes: LineMistake[] = []
  const doubts: LineMistake[] = []
  for (const { line, text } of controlList(bytes)) {
    const colon = text.indexOf(':')
    const stray = strayCharacter(text)
    if (stray !== undefined || colon < 0) {
      mistakes.push({ line, text, remedy: stray ?? 'write key:option=value,option=value' })
      continue
    }
    const key = lowerAscii(text.slice(0, colon))
    const { options, remedies } = parseOptions(text.slice(colon + 1))
    for (const remedy of remedies) mistakes.push({ line, text, remedy })
    const earlier = value.get(key)
    if (earlier === undefined) value.set(key, { line, options })
    else
      doubts.push({
        line,
        text,
        remedy: `join it with line ${earlier.line}: of two with one key the first counts`,
      })
  }
  return { ...sound(value), mistakes, doubts }
}

interface SimAddress {
  readonly localPart: string
  readonly domain: string
}

/**
 * What holds for a recipient of a message, in the order in which simscan looks up: the line without a key, those of the sender,
 * those of the recipient. Of each address first that of its domain, then for `a-b-c@d` those of `a@d`, `a-b@d`, `a-b-c@d`. What
 * a line does not say stays as the lines before it have it: the nearest word counts, expressions are all held against the message.
 * @param sender undefined for the null reverse-path
 * @returns undefined where no line speaks of either
 */
export function simOptionsFor(
  control: SimControl,
  sender: SimAddress | undefined,
  recipient: SimAddress,
): SimOptions | undefined {
  const everybody = linesFor(control, [''])
  const both = [sender, recipient].map((address) => linesFor(control, keysOf(address)))
  const lines = [...everybody, ...both.flat()]
  if (lines.length === 0) return undefined
  const joined: SimOptions = Object.assign({}, ...lines)
  // What the sender may not send and what the recipient does not want are both unwanted.
  const own = both.flatMap(
    (each) => each.findLast(({ attach }) => attach !== undefined)?.attach ?? [],
  )
  const attach = both.flat().some((line) => line.attach !== undefined) ? own : joined.attach
  const regex = lines.flatMap((line) => line.regex ?? [])
  return {
    ...joined,
    ...(attach === undefined ? {} : { attach: [...new Set(attach)] }),
    ...(regex.length === 0 ? {} : { regex: [...new Set(regex)] }),
  }
}

function linesFor(control: SimControl, keys: readonly string[]): readonly SimOptions[] {
  return keys.flatMap((key) => control.get(key)?.options ?? [])
}

const longestLocalPart = 256
/** Nobody has more extensions of an address than that, and a sender may write one that is nothing but dashes. */
const mostExtensions = 32

/** From the farthest to the nearest. */
function keysOf(address: SimAddress | undefined): readonly string[] {
  if (address === undefined) return []
  const domain = lowerAscii(address.domain)
  const local = lowerAscii(address.localPart).slice(0, longestLocalPart)
  const keys = [domain]
  let dash = local.indexOf('-')
  for (let count = 0; dash >= 0 && count < mostExtensions; count += 1) {
    keys.push(`${local.slice(0, dash)}@${domain}`)
    dash = local.indexOf('-', dash + 1)
  }
  // An address without a domain has no line but the one for everybody, which has been read.
  return [...keys.filter((key) => key !== ''), `${local}@${domain}`]
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

interface ParsedOptions {
  readonly options: SimOptions
  readonly remedies: readonly string[]
}

const flags: ReadonlyMap<string, 'clam' | 'spam' | 'trophie' | 'spamPassthru'> = new Map([
  ['clam', 'clam'],
  ['spam', 'spam'],
  ['trophie', 'trophie'],
  ['spam_passthru', 'spamPassthru'],
] as const)

function parseOptions(text: string): ParsedOptions {
  const options: Mutable<SimOptions> = {}
  const remedies: string[] = []
  for (const item of text.split(',')) {
    if (item.trim() === '') continue
    const equals = item.indexOf('=')
    const name = lowerAscii(item.slice(0, equals < 0 ? undefined : equals).trim())
    const value = equals < 0 ? '' : item.slice(equals + 1).trim()
    const flag = flags.get(name)
    if (flag !== undefined) {
      if (/^(?:yes|no)$/i.test(value)) options[flag] = value.toLowerCase() === 'yes'
      else remedies.push(`write ${name}=yes or ${name}=no`)
    } else if (name === 'spam_hits') {
      if (/^-?\d{1,6}(?:\.\d{1,6})?$/.test(value)) options.spamHits = Number(value)
      else remedies.push('write spam_hits=7.5, a number')
    } else if (name === 'attach') options.attach = listOf(lowerAscii(value))
    else if (name === 'regex') {
      const problems = listOf(value).map(problemOf)
      options.regex = listOf(value).filter((_, index) => problems[index] === undefined)
      remedies.push(...problems.filter((problem) => problem !== undefined))
    } else
      remedies.push(
        `${name} is no option: clam, spam, trophie, spam_hits, spam_passthru, attach, regex`,
      )
  }
  return { options, remedies }
}

/** They run on a matcher that takes linear time: no look-around, no back-references. */
function problemOf(expression: string): string | undefined {
  try {
    RE2JS.compile(expression)
    return undefined
  } catch (error) {
    // A mistake of the operator's, told as such.
    return `${expression} is no expression: ${errorMessage(error)}`
  }
}

function listOf(text: string): readonly string[] {
  return text.split(':').filter((item) => item !== '')
}
