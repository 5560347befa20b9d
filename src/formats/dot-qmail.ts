/**
 * The lines of a .qmail file (dot-qmail.5), and which files an address may have; text is one character for each byte.
 * Pure: who owns a file and whether
 * it may be obeyed is told by `delivery/local`.
 */
import { latin1 } from './octets.ts'

/** What one line asks for. `forward-only`: from here on no file and no program may be asked for. */
export type Instruction =
  | { readonly do: 'mbox' | 'maildir'; readonly path: string }
  | { readonly do: 'program'; readonly command: string }
  | { readonly do: 'forward'; readonly address: string }
  | { readonly do: 'forward-only' }

export interface DotQmail {
  /** An empty first line: somebody is editing, or has made a mistake. Nothing is obeyed. */
  readonly beginsBlank: boolean
  readonly instructions: readonly Instruction[]
}

/** @param bytes of the file; a last line without an end counts */
export function parseDotQmail(bytes: Uint8Array): DotQmail {
  return parseDotQmailText(latin1(bytes))
}

/** The same of text that is decoded already, for readers that hand addresses on instead of obeying lines. */
export function parseDotQmailText(text: string): DotQmail {
  const lines = text.split('\n')
  if (lines.at(-1) === '' && lines.length > 1) lines.pop()
  const trimmed = lines.map((line) => untilNul(line).replace(/[ \t]+$/, ''))
  return {
    beginsBlank: trimmed[0] === '',
    instructions: trimmed.flatMap((line) => instructionOf(line) ?? []),
  }
}

/** What follows a NUL was never seen by qmail. */
function untilNul(line: string): string {
  const nul = line.indexOf('\0')
  return nul < 0 ? line : line.slice(0, nul)
}

function instructionOf(line: string): Instruction | undefined {
  switch (line[0]) {
    case undefined:
    case '#':
      return undefined
    case '.':
    case '/':
      return { do: line.endsWith('/') ? 'maildir' : 'mbox', path: line }
    case '|':
      return { do: 'program', command: line.slice(1) }
    case '+':
      return line === '+list' ? { do: 'forward-only' } : undefined
    case '&':
      return { do: 'forward', address: line.slice(1) }
    default:
      return { do: 'forward', address: line }
  }
}

/** A file that may hold an address's instructions. */
export interface DotQmailName {
  readonly name: string
  /** What `default` in its name stands for, as the sender wrote it: the variable DEFAULT. */
  readonly default?: string
}

/**
 * In the order in which they are tried; the first that exists counts.
 * @param dash what stands between `.qmail` and the extension; mostly empty where that is
 */
export function dotQmailNames(dash: string, extension: string): readonly DotQmailName[] {
  const safe = safeExtension(extension)
  const names: DotQmailName[] = [exactName(dash, { extension, safe })]
  for (let at = safe.length; at >= 0; at -= 1) {
    if (at > 0 && safe[at - 1] !== '-') continue
    names.push({ name: `.qmail${dash}${safe.slice(0, at)}default`, default: extension.slice(at) })
  }
  return names
}

/** Also where an address itself ends in `default`, as the original has it. */
function exactName(
  dash: string,
  { extension, safe }: { readonly extension: string; readonly safe: string },
): DotQmailName {
  const name = `.qmail${dash}${safe}`
  return safe.endsWith('default') ? { name, default: extension.slice(-7) } : { name }
}

/** Lower case, and no dots: an extension names no other folder. Only ASCII changes, so that lengths stay the same. */
export function safeExtension(extension: string): string {
  return extension.replace(/[A-Z]/g, (letter) => letter.toLowerCase()).replaceAll('.', ':')
}
