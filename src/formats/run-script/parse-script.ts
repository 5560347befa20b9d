/** Words to commands. */
import { WordReader, type Token } from './read-words.ts'
import {
  ShellSyntaxError,
  type Branch,
  type CaseBranch,
  type Command,
  type SimpleCommand,
  type Word,
} from './shell-syntax.ts'

/** Longer ones are no run scripts. */
const longest = 256 * 1024
const tooLong = 'it is too long for a run script'
const strange = new Set(['select', '[['])
const nameOnly = /^[A-Za-z_][A-Za-z0-9_]*$/
const closing = new Set(['then', 'fi', 'else', 'elif', 'do', 'done', 'esac', '}'])

/** @throws ShellSyntaxError for what is not understood */
export function parseScript(text: string): readonly Command[] {
  if (text.length > longest) throw new ShellSyntaxError(1, tooLong)
  return parseAt(text, 1, 0)
}

export interface ScriptBeginning {
  readonly commands: readonly Command[]
  /** What stands behind them and is not understood. */
  readonly problem?: ShellSyntaxError
}

/** As a shell reads it, which does what it has read before it looks further. */
export function parseBeginning(text: string): ScriptBeginning {
  const commands: Command[] = []
  try {
    if (text.length > longest) throw new ShellSyntaxError(1, tooLong)
    const words = new WordReader({ text, line: 1, depth: 0, parse: parseAt })
    new ScriptParser(words).script(commands)
    return { commands }
  } catch (error) {
    if (!(error instanceof ShellSyntaxError)) throw error
    return { commands, problem: error }
  }
}

function parseAt(text: string, line: number, depth: number): readonly Command[] {
  return new ScriptParser(new WordReader({ text, line, depth, parse: parseAt })).script()
}

/** Functions may not be called so. */
const unchanging = new Set(['exec', 'exit', 'export', 'unset', 'eval', 'set', 'source', 'test'])

type WordToken = Extract<Token, { token: 'word' }>

class ScriptParser {
  readonly #words: WordReader
  #token: Token
  #depth = 0

  constructor(words: WordReader) {
    this.#words = words
    this.#token = words.next()
  }

  /** @param commands where those are put that are whole */
  script(commands: Command[] = []): readonly Command[] {
    this.#list([], commands)
    if (this.#token.token !== 'end') throw this.#unexpected()
    return commands
  }

  /** Commands up to one of these words or operators, which is left where it is. */
  #list(until: readonly string[], commands: Command[] = []): readonly Command[] {
    for (;;) {
      while (this.#isOperator('\n') || this.#isOperator(';')) this.#advance()
      if (this.#atEnd(until)) return commands
      const command = this.#andOr()
      // What runs in the background is a service all the same.
      if (this.#isOperator('&')) this.#advance()
      else if (!this.#isOperator('\n') && !this.#isOperator(';') && !this.#atEnd(until)) {
        throw this.#unexpected()
      }
      commands.push(command)
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
    this.#depth += 1
    if (this.#depth > 50) throw new ShellSyntaxError(token.line, 'commands are nested too deeply')
    const compound = this.#compound()
    if (compound !== undefined) this.#redirectionsOnly()
    const command = compound ?? this.#simpleOrFunction()
    this.#depth -= 1
    return command
  }

  /** Undefined where a word begins that is none of the shell's own. */
  #compound(): Command | undefined {
    const token = this.#token
    if (this.#isOperator('(')) return this.#group(')', true)
    if (token.token !== 'word') throw this.#unexpected()
    switch (token.raw) {
      case 'if':
        return this.#if()
      case 'for':
        return this.#for()
      case 'while':
      case 'until':
        return this.#loop(token.raw)
      case 'case':
        return this.#case()
      case '{':
        return this.#group('}', false)
      default:
        return undefined
    }
  }

  #group(end: ')' | '}', isSubshell: boolean): Command {
    const { line } = this.#token
    this.#advance()
    const body = this.#list([end])
    if (!isSubshell) this.#expect(end)
    else this.#expectOperator(end)
    return { do: 'group', body, isSubshell, line }
  }

  #case(): Command {
    const { line } = this.#token
    this.#expect('case')
    const { word } = this.#anyWord()
    this.#skipNewlines()
    this.#expect('in')
    const branches: CaseBranch[] = []
    for (this.#skipNewlines(); !this.#isWord('esac'); this.#skipNewlines()) {
      if (this.#isOperator('(')) this.#advance()
      const patterns = [this.#anyWord().word]
      while (this.#isOperator('|')) {
        this.#advance()
        patterns.push(this.#anyWord().word)
      }
      this.#expectOperator(')')
      branches.push({ patterns, body: this.#list([';;', 'esac']) })
      if (!this.#isWord('esac')) this.#expectOperator(';;')
    }
    this.#expect('esac')
    return { do: 'case', word, branches, line }
  }

  /** `name() { …; }` and bash's `function name { …; }`; else a command with its words. */
  #simpleOrFunction(): Command {
    const isKeyword = this.#isWord('function')
    if (isKeyword) this.#advance()
    const token = this.#anyWord()
    if (!isKeyword && (strange.has(token.raw) || closing.has(token.raw))) {
      throw this.#unexpected(token)
    }
    const hasParentheses = this.#isOperator('(')
    if (!isKeyword && !hasParentheses) return this.#simple(token)
    const { raw: name, line } = token
    // What runs programs keeps its meaning: a script that changes it is not one to follow.
    if (!nameOnly.test(name) || unchanging.has(name)) throw this.#unexpected(token)
    if (hasParentheses) {
      this.#advance()
      this.#expectOperator(')')
    }
    this.#skipNewlines()
    const body = this.#compound()
    if (body === undefined) throw this.#unexpected()
    this.#redirectionsOnly()
    return { do: 'define', name, body, line }
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
    return { do: 'if', branches, otherwise, line }
  }

  #for(): Command {
    const { line } = this.#token
    this.#expect('for')
    const name = this.#token.token === 'word' ? this.#token.raw : ''
    if (!nameOnly.test(name)) throw this.#unexpected()
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

  #loop(word: 'while' | 'until'): Command {
    const { line } = this.#token
    this.#expect(word)
    const test = this.#list(['do'])
    this.#expect('do')
    const body = this.#list(['done'])
    this.#expect('done')
    return { do: 'loop', test, goesOnAt: word === 'while', body, line }
  }

  /** @param start its first word, which has been taken */
  #simple(start: WordToken): SimpleCommand {
    const { line } = start
    const words: WordToken[] = [start]
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
      if (this.#token.token === 'word') words.push(this.#anyWord())
      else if (this.#isRedirection()) {
        // The digit in front of it is the descriptor.
        if (/^\d$/.test(words.at(-1)?.raw ?? '')) words.pop()
        input = this.#redirection() ?? input
      } else return input
    }
  }

  /** Behind a compound command, where no word may stand. */
  #redirectionsOnly(): void {
    for (;;) {
      const token = this.#token
      const hasDigit = token.token === 'word' && /^\d$/.test(token.raw)
      if (hasDigit) this.#advance()
      if (this.#isRedirection()) this.#redirection()
      else if (hasDigit) throw this.#unexpected()
      else return
    }
  }

  #isRedirection(): boolean {
    return ['<', '>', '>>', '>&', '<&', '<<'].some((each) => this.#isOperator(each))
  }

  /** @returns the file that is read from */
  #redirection(): Word | undefined {
    const isInput = this.#isOperator('<')
    const isDocument = this.#isOperator('<<')
    this.#advance()
    // Before the end of the line is read, behind which it begins.
    if (isDocument && this.#token.token === 'word') this.#words.expectDocument(this.#token.raw)
    const { word } = this.#anyWord()
    return isInput ? word : undefined
  }

  #anyWord(): WordToken {
    const token = this.#token
    if (token.token !== 'word') throw this.#unexpected()
    this.#advance()
    return token
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
    if (token.token === 'end') return true
    return until.includes(token.token === 'word' ? token.raw : token.text)
  }

  #expect(raw: string): void {
    if (!this.#isWord(raw)) throw this.#unexpected()
    this.#advance()
  }

  #expectOperator(text: string): void {
    if (!this.#isOperator(text)) throw this.#unexpected()
    this.#advance()
  }

  #unexpected(token = this.#token): ShellSyntaxError {
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
  const text: Word['parts'] = value === '' ? [] : [{ part: 'text', text: value, quoted: true }]
  return { name, word: { parts: [...text, ...rest], quoted: true } }
}
