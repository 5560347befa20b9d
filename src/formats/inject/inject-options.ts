/** The command lines of qmail-inject and of sendmail, as getopt(3) reads them. */
import type { Getopt } from '../getopt.ts'
import type { Variables } from './author.ts'
import type { InjectSettings } from './inject.ts'

export interface InjectOptions extends Pick<InjectSettings, 'recipientsFrom' | 'recipients'> {
  readonly sender?: string
  /** Print the message instead of queueing it. */
  readonly dryRun: boolean
}

/** `illegal`: an option that there is not, or one that lacks its value. */
export type Parsed<T> = { readonly illegal: NonNullable<Getopt['illegal']> } | T

interface Option {
  readonly letter: string
  readonly value: string
}

interface Split {
  readonly options: readonly Option[]
  readonly rest: readonly string[]
}

/** @param withValue letters that take a value, attached or as the next argument; `known` has all of them */
function split(
  args: readonly string[],
  { known, withValue }: { readonly known: string; readonly withValue: string },
): Parsed<Split> {
  const options: Option[] = []
  let at = 0
  for (; at < args.length; at += 1) {
    const argument = args[at] ?? ''
    if (argument === '--') return { options, rest: args.slice(at + 1) }
    if (!argument.startsWith('-') || argument === '-') break
    for (let index = 1; index < argument.length; index += 1) {
      const letter = argument.charAt(index)
      if (!known.includes(letter)) return { illegal: { letter, needsValue: false } }
      if (!withValue.includes(letter)) options.push({ letter, value: '' })
      else {
        const attached = argument.slice(index + 1)
        const value = attached === '' ? args[(at += 1)] : attached
        if (value === undefined) return { illegal: { letter, needsValue: true } }
        options.push({ letter, value })
        // ssmtp's user, password and method: `-au name`.
        if (letter === 'a' && attached.length === 1) at += 1
        break
      }
    }
  }
  return { options, rest: args.slice(at) }
}

const recipientLetters: ReadonlyMap<string, InjectOptions['recipientsFrom']> = new Map([
  ['A', 'either'],
  ['a', 'arguments'],
  ['h', 'header'],
  ['H', 'both'],
])

export function parseInjectOptions(args: readonly string[]): Parsed<InjectOptions> {
  const parsed = split(args, { known: 'aAhHnNf', withValue: 'f' })
  if ('illegal' in parsed) return parsed
  let options: InjectOptions = {
    recipientsFrom: 'either',
    recipients: parsed.rest,
    dryRun: false,
  }
  for (const { letter, value } of parsed.options) {
    const recipientsFrom = recipientLetters.get(letter)
    if (recipientsFrom !== undefined) options = { ...options, recipientsFrom }
    else if (letter === 'f') options = { ...options, sender: value }
    else options = { ...options, dryRun: letter === 'n' }
  }
  return options
}

/** `smtp`: speak SMTP on standard input and output. `queue`: list the queue. */
export type SendmailCall =
  | { readonly mode: 'smtp' | 'queue' | 'usage' }
  | { readonly mode: 'inject'; readonly options: InjectOptions; readonly variables: Variables }

/**
 * qmail's sendmail knows fewer: what other sendmails have, and programs say, is taken here and means nothing, but for `-r`,
 * which is `-f`. DSN parameters (`-N`, `-R`, `-V`) are among them: the protocol of qmail-queue has no place for them.
 */
const sendmailOptions = {
  known: 'vimtxEJfFeopBb' + 'aACGhLnNOrRUVX',
  withValue: 'fFeopBb' + 'aAChLNOrRVX',
} as const

/** @param variables the environment; what the options change of it is in the answer */
export function parseSendmailOptions(
  args: readonly string[],
  variables: Variables,
): Parsed<SendmailCall> {
  const parsed = split(args, sendmailOptions)
  if ('illegal' in parsed) return parsed
  const changed = new Map(variables)
  let options: InjectOptions = {
    recipientsFrom: 'arguments',
    recipients: parsed.rest,
    dryRun: false,
  }
  for (const { letter, value } of parsed.options) {
    switch (letter) {
      case 't':
        options = { ...options, recipientsFrom: 'both' }
        break
      case 'F':
        changed.set('MAILNAME', value)
        break
      case 'f':
      case 'r': {
        const sender = withoutBrackets(value)
        if (sender !== '') writeAs(changed, sender)
        options = { ...options, sender }
        break
      }
      case 'b': {
        const mode = modeOf(value)
        if (mode !== 'inject') return { mode }
        break
      }
    }
  }
  return { mode: 'inject', options, variables: changed }
}

function modeOf(value: string): SendmailCall['mode'] {
  switch (value.charAt(0)) {
    case 'm':
      return 'inject'
    case 'p':
      return 'queue'
    case 's':
      return 'smtp'
    default:
      return 'usage'
  }
}

/** `<>` is nobody: a bounce, or an answer that wants none. */
function withoutBrackets(path: string): string {
  return path.startsWith('<') && path.endsWith('>') ? path.slice(1, -1) : path
}

/** The sender is the author too, where the message does not say who that is. */
function writeAs(variables: Map<string, string>, sender: string): void {
  for (const name of ['QMAILNAME', 'MAILNAME', 'NAME', 'QMAILHOST', 'MAILHOST']) {
    variables.delete(name)
  }
  const at = sender.lastIndexOf('@')
  variables.set('QMAILUSER', at < 0 ? sender : sender.slice(0, at))
  if (at >= 0) variables.set('QMAILHOST', sender.slice(at + 1))
}
