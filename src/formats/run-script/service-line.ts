/**
 * The programs of a service's command line, one after the other as each execs the next: softlimit, tcpserver, rblsmtpd …
 * up to the one that serves. What stands behind a program that is not known is not guessed at.
 */
import { getopt } from '../getopt.ts'
import { programName } from './shell-builtins.ts'

export interface ServiceLine {
  /** In order, the last one serves, or is the first that is not known. */
  readonly programs: readonly ServiceProgram[]
  readonly environment: ReadonlyMap<string, string>
}

export interface ServiceProgram {
  /** Without its folder. */
  readonly name: string
  readonly path: string
  readonly options: readonly { readonly letter: string; readonly value: string }[]
  /** Between the options and the next program; of the last one, all of them. */
  readonly args: readonly string[]
  /** What is wrong with its options. */
  readonly problem?: string
}

export interface ServiceSurroundings {
  /** The variables of an envdir, undefined where there is no such folder. An empty value unsets. */
  readonly variablesIn: (folder: string) => ReadonlyMap<string, string> | undefined
}

interface Wrapper {
  /** Undefined: what it is given is not looked into. */
  readonly letters: string | undefined
  /** Arguments of its own, in front of the next program. */
  readonly takes: number
}

const tcpserver = { letters: 'c:b:B:x:Xu:g:U1l:hHpPrRt:dDoOvQq', takes: 2 }

/** Programs that exec another. */
const wrappers: ReadonlyMap<string, Wrapper> = new Map([
  ['softlimit', { letters: 'a:c:d:f:l:m:o:p:r:s:t:', takes: 0 }],
  ['setuidgid', { letters: '', takes: 1 }],
  ['envuidgid', { letters: '', takes: 1 }],
  ['envdir', { letters: '', takes: 1 }],
  ['setlock', { letters: 'nNxX', takes: 1 }],
  ['pgrphack', { letters: '', takes: 0 }],
  ['fghack', { letters: '', takes: 0 }],
  ['nohup', { letters: '', takes: 0 }],
  ['setsid', { letters: '', takes: 0 }],
  ['chpst', { letters: 'u:U:b:e:/:n:l:L:m:d:o:p:f:c:r:t:vP012', takes: 0 }],
  ['tcpserver', tcpserver],
  ['sslserver', { ...tcpserver, letters: `${tcpserver.letters}e3nNi:I:` }],
  ['rblsmtpd', { letters: 'bBcCt:r:a:', takes: 0 }],
  ['jgreylist', { letters: '', takes: 0 }],
  ['fixcrio', { letters: '', takes: 0 }],
  ['recordio', { letters: '', takes: 0 }],
  ['relay-ctrl-check', { letters: '', takes: 0 }],
  ['qmail-popup', { letters: '', takes: 1 }],
])

const mostPrograms = 30

export function readServiceLine(
  words: readonly string[],
  given: ReadonlyMap<string, string>,
  surroundings: ServiceSurroundings,
): ServiceLine {
  const programs: ServiceProgram[] = []
  const environment = new Map(given)
  let rest = words
  while (rest.length > 0 && programs.length < mostPrograms) {
    const [path = '', ...args] = rest
    const name = programName(path)
    if (name === 'env') {
      rest = takeEnvironment(args, environment)
      continue
    }
    const wrapper = byArguments.get(name)?.(args) ?? wrappers.get(name)
    if (wrapper === undefined) {
      programs.push({ name, path, options: [], args })
      break
    }
    const { letters } = wrapper
    const read = letters === undefined ? { options: [], rest: args } : getopt(args, letters)
    const program = { name, path, options: read.options, args: read.rest.slice(0, wrapper.takes) }
    if (read.illegal !== undefined) {
      programs.push({ ...program, problem: `the option -${read.illegal.letter}` })
      break
    }
    rest = read.rest.slice(wrapper.takes)
    const folder = name === 'envdir' ? program.args[0] : undefined
    const variables =
      folder === undefined ? new Map<string, string>() : surroundings.variablesIn(folder)
    const problem = variables === undefined ? `the folder ${folder} cannot be read` : undefined
    programs.push({ ...program, ...(problem === undefined ? {} : { problem }) })
    for (const [variable, value] of variables ?? []) put(environment, variable, value)
  }
  return { programs, environment }
}

const byArguments: ReadonlyMap<string, (args: readonly string[]) => Wrapper | undefined> = new Map([
  ['spamdyke', spamdykeBefore],
  ['greetdelay', greetdelayBefore],
])

/** One program of this name is told the seconds, another reads them from GREETDELAY. */
function greetdelayBefore([first = '']: readonly string[]): Wrapper {
  return { letters: '', takes: /^\d+$/.test(first) ? 1 : 0 }
}

/** Some of its many options have a value and some have none: all is its own up to a program that is known. */
function spamdykeBefore(args: readonly string[]): Wrapper | undefined {
  const next = args.findIndex((arg) => {
    const name = programName(arg)
    return wrappers.has(name) || name.startsWith('qmail-smtpd')
  })
  return next < 0 ? undefined : { letters: undefined, takes: next }
}

function put(environment: Map<string, string>, name: string, value: string): void {
  if (value === '') environment.delete(name)
  else environment.set(name, value)
}

/** `env - NAME=VALUE … PROGRAM`: what follows the assignments. */
function takeEnvironment(
  args: readonly string[],
  environment: Map<string, string>,
): readonly string[] {
  for (const [at, arg] of args.entries()) {
    const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=([^]*)$/.exec(arg) ?? []
    if (arg === '-' || arg === '-i') environment.clear()
    else if (name !== undefined) environment.set(name, value ?? '')
    else return args.slice(at)
  }
  return []
}

/** The first program of this name. */
export function programOf(
  { programs }: ServiceLine,
  ...names: readonly string[]
): ServiceProgram | undefined {
  return programs.find(({ name }) => names.includes(name))
}

/** The value of an option; of one that is given twice the last. */
export function optionOf(program: ServiceProgram | undefined, letter: string): string | undefined {
  return program?.options.findLast((option) => option.letter === letter)?.value
}
