/**
 * What the words of a command come to: quotes are taken off, variables and the output of the few programs that are known are
 * put in. What only running something could tell is the unknown mark.
 */
import type { ScriptNotes } from './script-notes.ts'
import { fileOfCommand, programName, type ScriptFiles } from './shell-builtins.ts'
import type { Command, Otherwise, Word } from './shell-syntax.ts'

/** Stands in a value for what is unknown; no script may hold it. */
export const unknownMark = '\u{e000}'

/** Of a variable. */
export const longestValue = 64 * 1024
/** Characters of all words of one command. */
const longestCommand = 1 << 20

export class Expansion {
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

  /** Words as the program gets them: what was not quoted falls into pieces at its blanks. */
  fields(words: readonly Word[], line: number): string[] {
    let characters = 0
    return words.flatMap((word) => {
      const fields: string[] = []
      let open = word.quoted ? '' : undefined
      for (const part of word.parts) {
        const value = part.part === 'text' ? part.text : this.#partValue(part, line)
        characters += value.length
        if (characters > longestCommand) throw this.#notes.lost(line, 'a command grows too long')
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

  #partValue(part: Exclude<Word['parts'][number], { part: 'text' }>, line: number): string {
    if (part.part === 'output') return this.#output(part.script, part.text, line)
    const { name, otherwise } = part
    const value = this.#values.get(name)
    if (otherwise !== undefined) {
      const isUnset = value === undefined || (otherwise.even && value === '')
      if (otherwise.sign === '+') return isUnset ? '' : this.value(otherwise.word, line)
      if (isUnset) return this.#otherwise(name, otherwise, line)
    }
    if (!/^[A-Za-z_]/.test(name)) {
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
