/** Words to commands. */
import { WordReader, type Token } from './read-words.ts'
import {
  ShellSyntaxError,
  type Branch,
  type Command,
  type SimpleCommand,
  type Word,
} from './shell-syntax.ts'

/** Longer ones are no run scripts. */
const longest = 256 * 1024
const strange = new Set(['case', 'while', 'until', 'function', 'select', '{', '[[', 'trap'])
const closing = new Set(['then', 'fi', 'else', 'elif', 'do', 'done', 'esac', '}'])

/** @throws ShellSyntaxError for what is not understood */
export function parseScript(text: string): readonly Command[] {
  if (text.length > longest) throw new ShellSyntaxError(1, 'it is too long for a run script')
  return parseAt(text, 1, 0)
}

function parseAt(text: string, line: number, depth: number): readonly Command[] {
  return new ScriptParser(new WordReader({ text, line, depth, parse: parseAt })).script()
}

type WordToken = Extract<Token, { token: 'word' }>

class ScriptParser {
  readonly #words: WordReader
  #token: Token
  #depth = 0

  constructor(words: WordReader) {
    this.#words = words
    this.#token = words.next()
  }

  script(): readonly Command[] {
    const commands = this.#list([])
    if (this.#token.token !== 'end') throw this.#unexpected()
    return commands
  }

  /** Commands up to one of these words, which is left where it is. */
  #list(until: readonly string[]): readonly Command[] {
    const commands: Command[] = []
    for (;;) {
      while (this.#isOperator('\n') || this.#isOperator(';')) this.#advance()
      const token = this.#token
      if (token.token === 'end') return commands
      if (token.token === 'word' && until.includes(token.raw)) return commands
      commands.push(this.#andOr())
      // What runs in the background is a service all the same.
      if (this.#isOperator('&')) this.#advance()
      else if (!this.#isOperator('\n') && !this.#isOperator(';') && !this.#atEnd(until)) {
        throw this.#unexpected()
      }
    }
  }

  #andOr(): Command {
    let left = this.#pipeline()
    while (this.#isOperator('&&') || this.#isOperator('||')) {
      const kind = this.#isOperator('&&') ? 'both' : 'either'
      const { line } = this.#token
      this.#advance()
      this.#skipNewlines()
      left = { do: kind, left, right: this.#pipeline(), line }
    }
    return left
  }

  #pipeline(): Command {
    const { line } = this.#token
    if (this.#isWord('!')) {
      this.#advance()
      // A shell knows one.
      if (this.#isWord('!')) throw this.#unexpected()
      return { do: 'not', command: this.#pipeline(), line }
    }
    const stages = [this.#command()]
    while (this.#isOperator('|')) {
      this.#advance()
      this.#skipNewlines()
      stages.push(this.#command())
    }
    const [only] = stages
    return stages.length === 1 && only !== undefined ? only : { do: 'pipe', stages, line }
  }

  #command(): Command {
    const token = this.#token
    if (token.token !== 'word') throw this.#unexpected()
    if (strange.has(token.raw) || closing.has(token.raw)) throw this.#unexpected()
    this.#depth += 1
    if (this.#depth > 50) throw new ShellSyntaxError(token.line, 'commands are nested too deeply')
    const command =
      token.raw === 'if' ? this.#if() : token.raw === 'for' ? this.#for() : this.#simple()
    this.#depth -= 1
    return command
  }

  #if(): Command {
    const { line } = this.#token
    const branches: Branch[] = []
    let otherwise: readonly Command[] = []
    for (let word = 'if'; word !== 'fi';) {
      this.#expect(word)
      if (word === 'else') {
        otherwise = this.#list(['fi'])
        word = 'fi'
        continue
      }
      const test = this.#list(['then'])
      this.#expect('then')
      branches.push({ test, body: this.#list(['elif', 'else', 'fi']) })
      word = this.#token.token === 'word' ? this.#token.raw : ''
      if (!['elif', 'else', 'fi'].includes(word)) throw this.#unexpected()
    }
    this.#expect('fi')
    if (this.#token.token === 'word') throw this.#unexpected()
    return { do: 'if', branches, otherwise, line }
  }

  #for(): Command {
    const { line } = this.#token
    this.#expect('for')
    const name = this.#token.token === 'word' ? this.#token.raw : ''
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw this.#unexpected()
    this.#advance()
    this.#expect('in')
    const words: Word[] = []
    while (this.#token.token === 'word') {
      words.push(this.#token.word)
      this.#advance()
    }
    while (this.#isOperator('\n') || this.#isOperator(';')) this.#advance()
    this.#expect('do')
    const body = this.#list(['done'])
    this.#expect('done')
    return { do: 'for', name, words, body, line }
  }

  #simple(): SimpleCommand {
    const { line } = this.#token
    const words: WordToken[] = []
    const input = this.#redirections(words)
    const assignments: { name: string; word: Word }[] = []
    let first = 0
    for (; first < words.length; first++) {
      const assignment = assignmentOf(words[first])
      if (assignment === undefined) break
      assignments.push(assignment)
    }
    return {
      do: 'run',
      assignments,
      words: words.slice(first).map(({ word }) => word),
      ...(input === undefined ? {} : { input }),
      line,
    }
  }

  /** Gathers words, and what is redirected between them. @returns where the input comes from */
  #redirections(words: WordToken[]): Word | undefined {
    let input: Word | undefined
    for (;;) {
      const token = this.#token
      if (token.token === 'word') {
        words.push(token)
        this.#advance()
      } else if (token.token === 'operator' && ['<', '>', '>>', '>&', '<&'].includes(token.text)) {
        // The digit in front of it is the descriptor.
        if (/^\d$/.test(words.at(-1)?.raw ?? '')) words.pop()
        this.#advance()
        const target: Token = this.#token
        if (target.token !== 'word') throw this.#unexpected()
        if (token.text === '<') input = target.word
        this.#advance()
      } else return input
    }
  }

  #advance(): void {
    this.#token = this.#words.next()
  }

  #skipNewlines(): void {
    while (this.#isOperator('\n')) this.#advance()
  }

  #isOperator(text: string): boolean {
    return this.#token.token === 'operator' && this.#token.text === text
  }

  #isWord(raw: string): boolean {
    return this.#token.token === 'word' && this.#token.raw === raw
  }

  #atEnd(until: readonly string[]): boolean {
    const token = this.#token
    return token.token === 'end' || (token.token === 'word' && until.includes(token.raw))
  }

  #expect(raw: string): void {
    if (!this.#isWord(raw)) throw this.#unexpected()
    this.#advance()
  }

  #unexpected(): ShellSyntaxError {
    const token = this.#token
    const what =
      token.token === 'end'
        ? 'the end of the script'
        : token.token === 'word'
          ? token.raw
          : token.text === '\n'
            ? 'the end of the line'
            : token.text
    return new ShellSyntaxError(token.line, `'${what.slice(0, 100)}' is not understood here`)
  }
}

/** `NAME=word`, as its first text tells. */
function assignmentOf(
  token: WordToken | undefined,
): { readonly name: string; readonly word: Word } | undefined {
  const [first, ...rest] = token?.word.parts ?? []
  const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=/.test(token?.raw ?? '')
    ? (/^([A-Za-z_][A-Za-z0-9_]*)=([^]*)$/.exec(first?.part === 'text' ? first.text : '') ?? [])
    : []
  if (name === undefined || value === undefined) return undefined
  const text: Word['parts'] = value === '' ? [] : [{ part: 'text', text: value }]
  return { name, word: { parts: [...text, ...rest], quoted: true } }
}
