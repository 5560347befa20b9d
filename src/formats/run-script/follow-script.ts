/**
 * What a run script would start, and in which environment, without running anything: variables, tests of files, loops and
 * `exec` are followed, other programs are not. A value that only running something could tell is unknown; where a test asks
 * for such a value the script is not followed any further.
 */
import { harmless, services } from './known-programs.ts'
import { parseScript } from './parse-script.ts'
import { ShellSyntaxError, type Command, type SimpleCommand, type Word } from './shell-syntax.ts'
import { fileOfCommand, isTrue, programName } from './shell-builtins.ts'

/** What the script may ask about. */
export interface ScriptWorld {
  /** Undefined where there is none, or where nobody may read it. */
  readText(path: string): string | undefined
  exists(path: string): boolean
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

export interface UnknownConstruct {
  readonly line: number
  readonly problem: string
}

/** Stands in a value for what is unknown; no script may hold it. */
export const unknownMark = '\u{e000}'

const mostSteps = 20_000
const longestValue = 64 * 1024
const deepestEval = 8
/** Commands within commands: far from where the stack of calls ends. */
const deepestCommand = 500
/** Characters of all words of one command. */
const longestCommand = 1 << 20
const mostStarted = 200

/** Pure but for what `world` answers. Never throws for what stands in the script. */
export function followScript(text: string, world: ScriptWorld): FollowedScript {
  const follower = new Follower(world)
  try {
    if (text.includes(unknownMark)) throw new ShellSyntaxError(1, 'holds a private character')
    follower.run(parseScript(text))
  } catch (error) {
    if (error instanceof ShellSyntaxError) follower.note(error.line, error.message)
    else if (!(error instanceof Ended)) throw error
  }
  return follower
}

/** The script has ended: by exec, exit, or because nobody knows how it goes on. */
class Ended extends Error {}

class Follower implements FollowedScript {
  readonly started: StartedProgram[] = []
  readonly unknown: UnknownConstruct[] = []
  readonly #world: ScriptWorld
  readonly #values: Map<string, string>
  readonly #exported: Set<string>
  #steps = 0
  #evals = 0
  #depth = 0

  constructor(world: ScriptWorld) {
    this.#world = world
    this.#values = new Map(world.environment ?? [['PATH', '/usr/bin:/bin']])
    this.#exported = new Set(world.environment?.keys())
  }

  note(line: number, problem: string): void {
    if (this.unknown.length < 100) this.unknown.push({ line, problem })
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
      throw this.#lost(command.line, 'the script does not come to an end')
    if (this.#depth >= deepestCommand)
      throw this.#lost(command.line, 'commands are nested too deeply')
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
      case 'for': {
        let last = true
        for (const field of this.#fields(command.words, command.line)) {
          this.#set(command.name, field, command.line)
          last = this.run(command.body)
        }
        return last
      }
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
        if (!(error instanceof Ended)) throw error
      }
    }
    return last
  }

  #simple(command: SimpleCommand): boolean {
    const { line } = command
    const [name, ...args] = this.#fields(command.words, command.line)
    if (name === undefined) {
      for (const { name: variable, word } of command.assignments) {
        this.#set(variable, this.#value(word, line), line)
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
      case 'export':
        this.#export(command.words.slice(1), line)
        return true
      case 'unset':
        for (const each of args) this.#unset(each)
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
        this.note(line, `set ${args.join(' ')}`)
        return true
    }
    return this.#program([name, ...args], command)
  }

  /** Those that matter to nobody, those that are asked as a test, those that serve. */
  #program(words: readonly string[], command: SimpleCommand): boolean {
    const name = programName(words[0] ?? '')
    if (harmless.has(name)) return name !== 'false'
    if (name === 'which') return true
    if (services.has(name)) {
      this.#start(words, command)
      return true
    }
    const said = words.join(' ').replaceAll(unknownMark, '?')
    this.note(command.line, `the program '${said.slice(0, 200)}' is not run`)
    return true
  }

  #start(words: readonly string[], { assignments, line }: SimpleCommand): void {
    if (this.started.length >= mostStarted) throw this.#lost(line, 'the script starts too much')
    const environment = new Map(
      [...this.#exported].flatMap((name) => {
        const value = this.#values.get(name)
        return value === undefined ? [] : [[name, value] as const]
      }),
    )
    for (const { name, word } of assignments) environment.set(name, this.#value(word, line))
    this.started.push({ words, environment, line })
  }

  #export(words: readonly Word[], line: number): void {
    for (const word of words) {
      const text = this.#value(word, line)
      const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)(?:=([^]*))?$/.exec(text) ?? []
      if (name === undefined) this.note(line, `export ${text}`)
      else {
        if (value !== undefined) this.#set(name, value, line)
        this.#exported.add(name)
      }
    }
  }

  #unset(name: string): void {
    this.#values.delete(name)
    this.#exported.delete(name)
  }

  #eval(text: string, line: number): boolean {
    if (text.includes(unknownMark)) throw this.#lost(line, 'eval of an unknown value')
    return this.#deeper(text, line)
  }

  #source(path: string, line: number): boolean {
    const text = this.#world.readText(path)
    if (text !== undefined) return this.#deeper(text, line)
    this.note(line, `the file ${path.replaceAll(unknownMark, '?')} cannot be read`)
    return false
  }

  #deeper(text: string, line: number): boolean {
    this.#evals += 1
    if (this.#evals > deepestEval) throw this.#lost(line, 'eval goes too deep')
    try {
      return this.run(parseScript(text))
    } finally {
      this.#evals -= 1
    }
  }

  #test(args: readonly string[], line: number): boolean {
    if (args.some((arg) => arg.includes(unknownMark))) {
      throw this.#lost(line, `the test [ ${args.join(' ').replaceAll(unknownMark, '?')} ]`)
    }
    const answer = isTrue(args, this.#world)
    if (answer === undefined) throw this.#lost(line, `the test [ ${args.join(' ')} ]`)
    return answer
  }

  #lost(line: number, what: string): Ended {
    this.note(line, `${what}: not followed any further`)
    return new Ended()
  }

  #set(name: string, value: string, line: number): void {
    if (value.length > longestValue) throw this.#lost(line, `${name} grows too long`)
    this.#values.set(name, value)
  }

  /** A word as one value: quotes, or an assignment. */
  #value(word: Word, line: number): string {
    let value = ''
    for (const part of word.parts) {
      value += part.part === 'text' ? part.text : this.#partValue(part, line)
      if (value.length > longestCommand) throw this.#lost(line, 'a word grows too long')
    }
    return value
  }

  #partValue(part: Exclude<Word['parts'][number], { part: 'text' }>, line: number): string {
    if (part.part === 'output') return this.#output(part.script, part.text, line)
    const { name, otherwise } = part
    const value = this.#values.get(name)
    if (otherwise !== undefined && (value === undefined || (otherwise.even && value === ''))) {
      return this.#value(otherwise.word, line)
    }
    if (!/^[A-Za-z_]/.test(name)) {
      this.note(line, `$${name} is not known`)
      return unknownMark
    }
    return value ?? ''
  }

  /** Words as the program gets them: what was not quoted falls into pieces at its blanks. */
  #fields(words: readonly Word[], line: number): string[] {
    let characters = 0
    return words.flatMap((word) => {
      const fields: string[] = []
      let open = word.quoted ? '' : undefined
      for (const part of word.parts) {
        const value = part.part === 'text' ? part.text : this.#partValue(part, line)
        characters += value.length
        if (characters > longestCommand) throw this.#lost(line, 'a command grows too long')
        if (part.part === 'text' || part.quoted) {
          open = (open ?? '') + value
          continue
        }
        const [first = '', ...others] = value.split(/[ \t\n]+/)
        if (first !== '') open = (open ?? '') + first
        for (const piece of others) {
          if (open !== undefined) fields.push(open)
          open = piece === '' ? undefined : piece
        }
      }
      if (open !== undefined) fields.push(open)
      return fields
    })
  }

  /** What `cat FILE`, `head -1 FILE`, `id -u NAME`, `which NAME` and `echo` print; nothing else is known. */
  #output(script: readonly Command[], text: string, line: number): string {
    const [command, ...others] = script
    const stages = command?.do === 'pipe' ? command.stages : command === undefined ? [] : [command]
    let output: string | undefined
    for (const [index, stage] of stages.entries()) {
      if (stage.do !== 'run' || others.length > 0) return this.#unknownOutput(text, line)
      const words = this.#fields(stage.words, line)
      const input = stage.input === undefined ? undefined : this.#value(stage.input, line)
      output = this.#printed(words, index === 0 ? { file: input } : { text: output })
      if (output === undefined) return this.#unknownOutput(text, line)
    }
    return (output ?? '').replace(/\n+$/, '')
  }

  #printed(
    words: readonly string[],
    input: { readonly file: string | undefined } | { readonly text: string | undefined },
  ): string | undefined {
    const name = programName(words[0] ?? '')
    if (words.some((word) => word.includes(unknownMark))) return undefined
    if (name === 'echo') return words.slice(1).join(' ')
    // Only whether it is set, and for whom, is ever asked.
    if (name === 'id' && words.length === 3) return `${words[1] ?? ''}:${words[2] ?? ''}`
    if (name === 'which' && words.length === 2) return this.#which(words[1] ?? '')
    const file = fileOfCommand(words)
    if (file === undefined) return undefined
    const path = file.path ?? ('file' in input ? input.file : undefined)
    const text =
      path === undefined ? ('text' in input ? input.text : undefined) : this.#world.readText(path)
    return text === undefined ? undefined : file.firstLines(text)
  }

  #which(name: string): string {
    if (name.startsWith('/')) return name
    const folders = ['/usr/local/bin', '/usr/bin', '/bin', '/var/qmail/bin']
    const path = folders.find((folder) => this.#world.exists(`${folder}/${name}`))
    return `${path ?? '/usr/bin'}/${name}`
  }

  #unknownOutput(text: string, line: number): string {
    this.note(line, `what \`${text.slice(0, 200)}\` prints is not known`)
    return unknownMark
  }
}
