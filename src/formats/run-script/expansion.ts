/**
 * What the words of a command come to: quotes are taken off, variables and the output of the few programs that are known are
 * put in. What only running something could tell is the unknown mark.
 */
import type { ScriptNotes } from './script-notes.ts'
import { fileOfCommand, programName, type ScriptFiles } from './shell-builtins.ts'
import type { Command, Otherwise, Word, WordPart } from './shell-syntax.ts'

/** Stands in a value for what is unknown; no script may hold it. */
export const unknownMark = '\u{e000}'

/** Of a variable. */
export const longestValue = 64 * 1024
/** Characters of all words of one command. */
const longestCommand = 1 << 20

/** Of a word, before it falls into fields. */
interface Piece {
  readonly text: string
  /** It was not quoted: it falls into fields at its blanks. */
  readonly splits: boolean
}

export class Expansion {
  /** Of the function that is followed; undefined: of the script, which nobody knows. */
  args: readonly string[] | undefined
  readonly #values: Map<string, string>
  readonly #files: ScriptFiles
  readonly #notes: ScriptNotes

  /** @param values of the variables, as they are at each question; `${NAME:=word}` sets one */
  constructor(values: Map<string, string>, files: ScriptFiles, notes: ScriptNotes) {
    this.#values = values
    this.#files = files
    this.#notes = notes
  }

  /** A word as one value: quotes, or an assignment. */
  value(word: Word, line: number): string {
    let value = ''
    for (const part of word.parts) {
      value += part.part === 'text' ? part.text : this.#partValue(part, line)
      if (value.length > longestCommand) throw this.#notes.lost(line, 'a word grows too long')
    }
    return value
  }

  /** A word as a pattern of `case`: a backslash stands before each character that means itself. */
  pattern(word: Word, line: number): string {
    return word.parts
      .map((part) => {
        const value = part.part === 'text' ? part.text : this.#partValue(part, line)
        return part.quoted ? value.replaceAll(/[\\*?[\]]/g, String.raw`\$&`) : value
      })
      .join('')
  }

  /** Words as the program gets them: what was not quoted falls into pieces at its blanks. */
  fields(words: readonly Word[], line: number): string[] {
    let characters = 0
    return words.flatMap((word) => {
      const all = this.#allArguments(word)
      // Empty ones take room as well, where a function hands itself twice of what it was given.
      characters += all === undefined ? 0 : all.reduce((sum, each) => sum + each.length + 1, 0)
      if (characters > longestCommand) throw this.#notes.lost(line, 'a command grows too long')
      if (all !== undefined) return all
      const fields: string[] = []
      let open: string | undefined
      for (const { text, splits } of this.#pieces(word, false, line)) {
        characters += text.length
        if (characters > longestCommand) throw this.#notes.lost(line, 'a command grows too long')
        if (!splits) {
          open = (open ?? '') + text
          continue
        }
        const [first = '', ...others] = text.split(/[ \t\n]+/)
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

  /** `"$@"`: each argument is a word of its own. */
  #allArguments({ parts: [part, ...others] }: Word): string[] | undefined {
    const isAll = part?.part === 'variable' && part.name === '@' && part.quoted
    return isAll && others.length === 0 && this.args !== undefined ? [...this.args] : undefined
  }

  /** @param isInBraces of a word in place of a variable, in which what is not quoted falls into fields, too */
  #pieces(word: Word, isInBraces: boolean, line: number): readonly Piece[] {
    const pieces = word.parts.flatMap((part): readonly Piece[] => {
      if (part.part === 'text') return [{ text: part.text, splits: isInBraces && !part.quoted }]
      const instead = part.quoted ? undefined : this.#wordInstead(part)
      if (instead !== undefined) return this.#pieces(instead, true, line)
      return [{ text: this.#partValue(part, line), splits: !part.quoted }]
    })
    return word.quoted ? [{ text: '', splits: false }, ...pieces] : pieces
  }

  /** The word that stands in place of a variable and sets nothing. */
  #wordInstead(part: WordPart): Word | undefined {
    if (part.part !== 'variable' || part.otherwise === undefined) return undefined
    const { sign, word } = part.otherwise
    const isUnset = this.#isUnset(this.#valueOf(part.name), part.otherwise)
    return (sign === '+' && !isUnset) || (sign === '-' && isUnset) ? word : undefined
  }

  #isUnset(value: string | undefined, { even }: Otherwise): boolean {
    return value === undefined || (even && value === '')
  }

  #valueOf(name: string): string | undefined {
    if (/^[A-Za-z_]/.test(name) || this.args === undefined) return this.#values.get(name)
    if (name === '#') return String(this.args.length)
    if (name === '@' || name === '*')
      return this.args.length === 0 ? undefined : this.args.join(' ')
    return /^[1-9]$/.test(name) ? this.args[Number(name) - 1] : undefined
  }

  #partValue(part: Exclude<Word['parts'][number], { part: 'text' }>, line: number): string {
    if (part.part === 'output') return this.#output(part.script, part.text, line)
    const { name, otherwise } = part
    const value = this.#valueOf(name)
    if (otherwise !== undefined) {
      const isUnset = this.#isUnset(value, otherwise)
      if (otherwise.sign === '+') return isUnset ? '' : this.value(otherwise.word, line)
      if (isUnset) return this.#otherwise(name, otherwise, line)
    }
    const isArgument = /^[1-9@*#]$/.test(name) && this.args !== undefined
    if (!isArgument && !/^[A-Za-z_]/.test(name)) {
      this.#notes.note(line, `$${name} is not known`)
      return unknownMark
    }
    return value ?? ''
  }

  #otherwise(name: string, { word, sign }: Otherwise, line: number): string {
    if (sign === '?') throw this.#notes.lost(line, `the script ends where ${name} is not set`)
    const value = this.value(word, line)
    if (sign === '-') return value
    if (value.length > longestValue) throw this.#notes.lost(line, `${name} grows too long`)
    this.#values.set(name, value)
    return value
  }

  /** What `cat FILE`, `head -1 FILE`, `id -u NAME`, `which NAME` and `echo` print; nothing else is known. */
  #output(script: readonly Command[], text: string, line: number): string {
    const [command, ...others] = script
    const stages = command?.do === 'pipe' ? command.stages : command === undefined ? [] : [command]
    let output: string | undefined
    for (const [index, stage] of stages.entries()) {
      if (stage.do !== 'run' || others.length > 0) return this.#unknownOutput(text, line)
      const words = this.fields(stage.words, line)
      const path = stage.input === undefined ? undefined : this.value(stage.input, line)
      const input = index > 0 || path === undefined ? output : this.#files.readText(path)
      output = this.#printed(words, input)
      if (output === undefined) return this.#unknownOutput(text, line)
    }
    return (output ?? '').replace(/\n+$/, '')
  }

  /** @param input what it reads where no file is named; undefined: nobody knows */
  #printed(words: readonly string[], input: string | undefined): string | undefined {
    const name = programName(words[0] ?? '')
    if (words.some((word) => word.includes(unknownMark))) return undefined
    if (name === 'echo') return words.slice(1).join(' ')
    // Only whether it is set, and for whom, is ever asked.
    if (name === 'id' && words.length === 3) return `${words[1] ?? ''}:${words[2] ?? ''}`
    if (name === 'which' && words.length === 2) return this.#which(words[1] ?? '')
    const file = fileOfCommand(words)
    if (file === undefined) return undefined
    const text = file.path === undefined ? input : this.#files.readText(file.path)
    return text === undefined ? undefined : file.firstLines(text)
  }

  #which(name: string): string {
    if (name.startsWith('/')) return name
    const folders = ['/usr/local/bin', '/usr/bin', '/bin', '/var/qmail/bin']
    const path = folders.find((folder) => this.#files.exists(`${folder}/${name}`))
    return `${path ?? '/usr/bin'}/${name}`
  }

  #unknownOutput(text: string, line: number): string {
    this.#notes.note(line, `what \`${text.slice(0, 200)}\` prints is not known`)
    return unknownMark
  }
}
