/**
 * What a run script would start, and in which environment, without running anything: variables, tests of files, loops, cases,
 * functions and `exec` are followed, other programs are not. A value that only running something could tell is unknown; where a test asks
 * for such a value the script is not followed any further.
 */
import { Expansion, unknownMark } from './expansion.ts'
import { harmless, services } from './known-programs.ts'
import { parseBeginning, parseScript } from './parse-script.ts'
import { putBack, ScriptVariables } from './script-variables.ts'
import { Ended, ScriptNotes, type UnknownConstruct } from './script-notes.ts'
import { isTrue, programName, type ScriptFiles } from './shell-builtins.ts'
import { isLike } from './shell-pattern.ts'
import {
  ShellSyntaxError,
  type CaseBranch,
  type Command,
  type Loop,
  type SimpleCommand,
  type Word,
} from './shell-syntax.ts'

/** What the script may ask about. */
export interface ScriptWorld extends ScriptFiles {
  /** What the process that runs it was given. */
  readonly environment?: ReadonlyMap<string, string>
}

export interface FollowedScript {
  /** Each program that it would start and wait for, in order; the words of one. */
  readonly started: readonly StartedProgram[]
  /** What could not be followed. */
  readonly unknown: readonly UnknownConstruct[]
}

export interface StartedProgram {
  readonly words: readonly string[]
  /** Exported variables. */
  readonly environment: ReadonlyMap<string, string>
  readonly line: number
}

const mostSteps = 20_000
const deepestEval = 8
/** Commands within commands: far from where the stack of calls ends. */
const deepestCommand = 500
const mostStarted = 200
const mostRounds = 1_000

/** A function has ended by `return`. */
class Returned extends Error {
  readonly isTrue: boolean

  constructor(isTrue: boolean) {
    super('return')
    this.isTrue = isTrue
  }
}

/** A loop has ended by `break`. */
class Broken extends Ended {}

/** Pure but for what `world` answers. Never throws for what stands in the script. */
export function followScript(text: string, world: ScriptWorld): FollowedScript {
  const notes = new ScriptNotes()
  const follower = new Follower(world, notes)
  try {
    if (text.includes(unknownMark)) throw new ShellSyntaxError(1, 'holds a private character')
    const { commands, problem } = parseBeginning(text)
    follower.run(commands)
    if (problem !== undefined) throw problem
  } catch (error) {
    if (error instanceof ShellSyntaxError) notes.note(error.line, error.message)
    else if (!(error instanceof Ended || error instanceof Returned)) throw error
  }
  return { started: follower.started, unknown: notes.all }
}

/** Goes from command to command, and knows what is set by then. */
class Follower {
  readonly started: StartedProgram[] = []
  readonly #world: ScriptWorld
  readonly #notes: ScriptNotes
  readonly #expansion: Expansion
  readonly #variables: ScriptVariables
  readonly #functions = new Map<string, Command>()
  #steps = 0
  #evals = 0
  #depth = 0
  #loops = 0

  constructor(world: ScriptWorld, notes: ScriptNotes) {
    this.#world = world
    this.#notes = notes
    this.#variables = new ScriptVariables(world.environment, notes)
    this.#expansion = new Expansion(this.#variables.values, world, notes)
  }

  /** @returns whether the last one succeeded */
  run(commands: readonly Command[]): boolean {
    let last = true
    for (const command of commands) last = this.#command(command)
    return last
  }

  #command(command: Command): boolean {
    this.#steps += 1
    if (this.#steps > mostSteps)
      throw this.#notes.lost(command.line, 'the script does not come to an end')
    if (this.#depth >= deepestCommand)
      throw this.#notes.lost(command.line, 'commands are nested too deeply')
    this.#depth += 1
    try {
      return this.#followed(command)
    } finally {
      this.#depth -= 1
    }
  }

  #followed(command: Command): boolean {
    switch (command.do) {
      case 'run':
        return this.#simple(command)
      case 'not':
        return !this.#command(command.command)
      case 'both':
        return this.#command(command.left) && this.#command(command.right)
      case 'either':
        return this.#command(command.left) || this.#command(command.right)
      case 'pipe':
        return this.#pipe(command.stages)
      case 'if': {
        const branch = command.branches.find(({ test }) => this.run(test))
        return this.run(branch?.body ?? command.otherwise)
      }
      case 'case':
        return this.#case(this.#caseText(command), command)
      case 'group':
        return command.isSubshell ? this.#subshell(command.body) : this.run(command.body)
      case 'define':
        this.#functions.set(command.name, command.body)
        return true
      case 'for': {
        let last = true
        for (const field of this.#expansion.fields(command.words, command.line)) {
          this.#variables.set(command.name, field, command.line)
          const done = this.#round(command.body)
          if (done === 'broken') return true
          last = done
        }
        return last
      }
      case 'loop':
        return this.#loop(command)
    }
  }

  #round(body: readonly Command[]): boolean | 'broken' {
    this.#loops += 1
    try {
      return this.run(body)
    } catch (error) {
      if (error instanceof Broken) return 'broken'
      throw error
    } finally {
      this.#loops -= 1
    }
  }

  /** One that waits for something, or starts a service again and again, changes no variable: the next round would be the same. */
  #loop({ test, goesOnAt, body, line }: Loop): boolean {
    for (let rounds = 0; rounds < mostRounds; rounds++) {
      const before = new Map(this.#variables.values)
      const { args } = this.#expansion
      if (this.run(test) !== goesOnAt || this.#round(body) === 'broken') return true
      if (args === this.#expansion.args && this.#variables.areAs(before)) {
        this.#notes.note(line, 'a loop that only time ends: read as if it had ended')
        return true
      }
    }
    throw this.#notes.lost(line, 'a loop goes round too often')
  }

  /** Scripts that init runs are given `start`. */
  #caseText({ word, line }: { readonly word: Word; readonly line: number }): string {
    const [part, ...others] = word.parts
    const isFirst = part?.part === 'variable' && part.name === '1' && others.length === 0
    if (!isFirst || this.#expansion.args !== undefined) return this.#expansion.value(word, line)
    this.#notes.note(line, '$1 is not known: read as if it were start')
    return 'start'
  }

  #case(
    text: string,
    { branches, line }: { readonly branches: readonly CaseBranch[]; readonly line: number },
  ): boolean {
    for (const { patterns, body } of branches) {
      for (const pattern of patterns.map((each) => this.#expansion.pattern(each, line))) {
        // What takes everything takes what nobody knows, too.
        const isUnknown = `${text}${pattern}`.includes(unknownMark) && pattern !== '*'
        const answer = isUnknown ? undefined : isLike(text, pattern)
        if (answer === undefined) {
          const asked = `case ${text} in ${pattern})`.replaceAll(unknownMark, '?')
          throw this.#notes.lost(line, asked.slice(0, 200))
        }
        if (answer) return this.run(body)
      }
    }
    return true
  }

  /** What it sets, and its end, are its own. */
  #subshell(body: readonly Command[]): boolean {
    const restore = this.#variables.kept()
    const functions = new Map(this.#functions)
    try {
      return this.run(body)
    } catch (error) {
      if (error instanceof Returned) return error.isTrue
      if (!(error instanceof Ended)) throw error
      return true
    } finally {
      restore()
      putBack(this.#functions, functions)
    }
  }

  #call(body: Command, args: readonly string[], { assignments, line }: SimpleCommand): boolean {
    for (const { name, word } of assignments) {
      this.#variables.set(name, this.#expansion.value(word, line), line)
      this.#variables.exportName(name)
    }
    const before = this.#expansion.args
    this.#expansion.args = args
    try {
      return this.#command(body)
    } catch (error) {
      if (error instanceof Returned) return error.isTrue
      throw error
    } finally {
      this.#expansion.args = before
    }
  }

  /** Each program of it is started, the first one's output goes to the second. */
  #pipe(stages: readonly Command[]): boolean {
    let last = true
    for (const stage of stages) {
      try {
        last = this.#command(stage)
      } catch (error) {
        // An exec ends its own stage only.
        if (!(error instanceof Ended || error instanceof Returned)) throw error
      }
    }
    return last
  }

  #simple(command: SimpleCommand): boolean {
    const { line } = command
    const [name, ...args] = this.#expansion.fields(command.words, command.line)
    if (name === undefined) {
      for (const { name: variable, word } of command.assignments) {
        this.#variables.set(variable, this.#expansion.value(word, line), line)
      }
      return true
    }
    switch (name) {
      case 'exec':
        if (args.length === 0) return true
        this.#start(args, command)
        throw new Ended()
      case 'exit':
        throw new Ended()
      case 'break':
        if (this.#loops === 0) return true
        if (args.length > 0) throw this.#notes.lost(line, `break ${args.join(' ')}`)
        throw new Broken()
      case 'continue':
        throw this.#notes.lost(line, 'continue')
      case 'trap':
        this.#notes.note(line, 'trap: what a signal makes it do is not followed')
        return true
      case 'read':
        this.#variables.read(args, line)
        return true
      case 'export':
        this.#variables.export(this.#valuesOf(command.words.slice(1), line), line)
        return true
      case 'return':
        throw new Returned((args[0] ?? '0') === '0')
      case 'local':
        this.#variables.local(this.#valuesOf(command.words.slice(1), line), line)
        return true
      case 'shift':
        if (this.#expansion.args === undefined || args.length > 0) break
        this.#expansion.args = this.#expansion.args.slice(1)
        return true
      case 'unset':
        for (const each of args) this.#variables.unset(each)
        return true
      case 'eval':
        return this.#eval(args.join(' '), line)
      case '.':
      case 'source':
        return this.#source(args[0] ?? '', line)
      case '[':
      case 'test':
        return this.#test(name === '[' ? args.slice(0, -1) : args, line)
      case 'set':
        if (args.every((arg) => /^[-+][eufax]+$/.test(arg))) return true
        this.#notes.note(line, `set ${args.join(' ')}`)
        return true
    }
    return this.#program([name, ...args], command)
  }

  /** Those that matter to nobody, those that are asked as a test, those that serve. */
  #program(words: readonly string[], command: SimpleCommand): boolean {
    const body = this.#functions.get(words[0] ?? '')
    if (body !== undefined) return this.#call(body, words.slice(1), command)
    const name = programName(words[0] ?? '')
    if (harmless.has(name)) return name !== 'false'
    if (name === 'which') return true
    if (services.has(name)) {
      this.#start(words, command)
      return true
    }
    const said = words.join(' ').replaceAll(unknownMark, '?')
    this.#notes.note(command.line, `the program '${said.slice(0, 200)}' is not run`)
    return true
  }

  #start(words: readonly string[], { assignments, line }: SimpleCommand): void {
    if (this.started.length >= mostStarted)
      throw this.#notes.lost(line, 'the script starts too much')
    const environment = this.#variables.environment()
    for (const { name, word } of assignments)
      environment.set(name, this.#expansion.value(word, line))
    this.started.push({ words, environment, line })
  }

  #valuesOf(words: readonly Word[], line: number): readonly string[] {
    return words.map((word) => this.#expansion.value(word, line))
  }

  #eval(text: string, line: number): boolean {
    if (text.includes(unknownMark)) throw this.#notes.lost(line, 'eval of an unknown value')
    return this.#deeper(text, line)
  }

  #source(path: string, line: number): boolean {
    const text = this.#world.readText(path)
    if (text !== undefined) return this.#deeper(text, line)
    this.#notes.note(line, `the file ${path.replaceAll(unknownMark, '?')} cannot be read`)
    return false
  }

  #deeper(text: string, line: number): boolean {
    this.#evals += 1
    if (this.#evals > deepestEval) throw this.#notes.lost(line, 'eval goes too deep')
    try {
      return this.run(parseScript(text))
    } finally {
      this.#evals -= 1
    }
  }

  #test(args: readonly string[], line: number): boolean {
    if (args.some((arg) => arg.includes(unknownMark))) {
      throw this.#notes.lost(line, `the test [ ${args.join(' ').replaceAll(unknownMark, '?')} ]`)
    }
    const answer = isTrue(args, this.#world)
    if (answer === undefined) throw this.#notes.lost(line, `the test [ ${args.join(' ')} ]`)
    return answer
  }
}
