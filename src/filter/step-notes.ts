/**
 * What a step learned from its doors: questions and answers, so that the step can be taken again without asking anybody.
 * Bounded; a step of which something is missing says so, and is never taken again by guessing.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { JsonValue } from '../mail/json.ts'
import { quoted } from './json-text.ts'

/** Characters of questions and answers that one step may fill. */
const mostCharacters = 4_096

interface Note {
  readonly question: string
  /** As JSON: whoever asked may change what it was given. */
  answer?: string
}

/** Notes that are made once and kept with many steps. */
export interface SharedNotes {
  /** As they are packed: a list without its brackets. */
  readonly packed: string
  /** About so many characters; 0 where there is none. */
  readonly size: number
}

/** @param answers questions, and what is kept of each answer */
export function sharedNotes(
  answers: readonly { readonly question: string; readonly answer: JsonValue }[],
): SharedNotes {
  const notes = answers.map(({ question, answer }) => ({ question, answer: answerJson(answer) }))
  const size = notes.reduce((sum, { question, answer }) => sum + sizeOf(question, answer), 0)
  return { packed: notes.map(packed).join(','), size }
}

/** An answer as it is kept. */
export function answerJson(answer: JsonValue): string {
  return typeof answer === 'string' ? quoted(answer) : JSON.stringify(answer)
}

export class StepNotes {
  /** Those that were adopted are packed already. */
  readonly #notes: (Note | string)[] = []
  #left = mostCharacters
  #missing: string | undefined
  #over = false

  /** About so many characters are packed. */
  get size(): number {
    return mostCharacters - Math.max(this.#left, 0)
  }

  /** Whether there is nothing to keep: no door was asked. */
  get isEmpty(): boolean {
    return this.#notes.length === 0 && this.#missing === undefined
  }

  /** A question that is about to be asked. What is answered after the step is over has not been heard. */
  ask(question: string): (answer: JsonValue) => void {
    const note = this.#noted(question)
    return note === undefined ? ignore : (answer) => this.#answered(note, answerJson(answer))
  }

  /** The same for what is answered at once. */
  keep(question: string, answer: JsonValue): void {
    const note = this.#noted(question)
    if (note !== undefined) this.#answered(note, answerJson(answer))
  }

  /** The same for an answer that is kept with many steps. @param answer by `answerJson` */
  keepJson(question: string, answer: string): void {
    const note = this.#noted(question)
    if (note !== undefined) this.#answered(note, answer)
  }

  #noted(question: string): Note | undefined {
    if (this.#over) return undefined
    this.#left -= sizeOf(question, '')
    if (this.#left < 0) this.miss('too much was asked')
    if (this.#missing !== undefined) return undefined
    const note: Note = { question }
    this.#notes.push(note)
    return note
  }

  #answered(note: Note, answer: string): void {
    if (this.#over || this.#missing !== undefined) return
    this.#left -= answer.length
    if (this.#left < 0) this.miss('too much was answered')
    else note.answer = answer
  }

  /** The same, and only for the first time. */
  keepOnce(question: string, answer: JsonValue): void {
    const isKept = this.#notes.some(
      (note) => typeof note === 'object' && note.question === question,
    )
    if (!isKept) this.keep(question, answer)
  }

  /** The same for what somebody remembers and does not ask again. */
  adopt({ packed, size }: SharedNotes): void {
    if (this.#over || size === 0) return
    this.#left -= size
    if (this.#left < 0) this.miss('too much was answered')
    if (this.#missing === undefined) this.#notes.push(packed)
  }

  /** Something was learned of which no note can be kept. */
  miss(what: string): void {
    if (!this.#over) this.#missing ??= what
  }

  /** The step has its verdict. */
  end(): void {
    this.#over = true
  }

  /** As JSON: questions with their answers, in order; one without an answer had none when the step ended. */
  pack(): string {
    if (this.#missing !== undefined) return missingNotes(this.#missing)
    let json = ''
    for (const note of this.#notes) {
      json += json === '' ? '' : ','
      json += typeof note === 'string' ? note : packed(note)
    }
    return `[${json}]`
  }
}

/** Stands in place of all notes where some are missing. */
export const missingMark = '!'

/** What is packed in place of notes. */
export function missingNotes(why: string): string {
  return `[["${missingMark}",${quoted(why)}]]`
}

function packed({ question, answer }: Note): string {
  return answer === undefined ? `[${quoted(question)}]` : `[${quoted(question)},${answer}]`
}

function sizeOf(question: string, answer: string): number {
  return question.length + 8 + answer.length
}

function ignore(): void {}

/** After so many steps that asked no door behind an `await`, steps are not followed there any more. */
const quietSteps = 1_000

/**
 * Knows which step of one entry asks. Before a hook first waits that is the one whose hook runs. Following it further, through
 * its promises, costs something with every question: an entry whose steps never ask there is not followed after a while, until
 * one does; what is under way then says that its notes are incomplete. Nor is an entry that never took a door that answers.
 */
export class DoorRecorder {
  /** Whose hook runs now, up to its first wait. */
  #running: StepNotes | undefined
  /** Through promises; undefined while that is not needed. */
  #followed: AsyncLocalStorage<StepNotes> | undefined = new AsyncLocalStorage()
  /** Steps since one asked behind its first wait. */
  #quiet = 0
  readonly #open = new Set<StepNotes>()
  /** Of a step that took its first door when nobody followed it. */
  readonly #unseen = unseenStep()
  readonly #isOn: boolean
  #used = false

  /** @param isOn otherwise nobody is followed, and a replay cannot ask the entry again */
  constructor(isOn = true) {
    this.#isOn = isOn
  }

  /** Whether the entry has ever taken a door that answers. */
  get isUsed(): boolean {
    return this.#used
  }

  /** The entry has taken a door that answers. */
  use(): void {
    this.#used = this.#isOn
  }

  /** For a step that begins; undefined where there is nothing to follow. */
  begin(): StepNotes | undefined {
    if (!this.#used) return undefined
    const notes = new StepNotes()
    this.#open.add(notes)
    this.#quiet += 1
    if (this.#quiet > quietSteps) this.#followed = undefined
    return notes
  }

  run<T>(notes: StepNotes, work: () => T): T {
    this.#running = notes
    try {
      return this.#followed === undefined ? work() : this.#followed.run(notes, work)
    } finally {
      this.#running = undefined
    }
  }

  /** Of the step that asks now; undefined where none does: when the entry is opened, for instance. */
  get asking(): StepNotes | undefined {
    if (this.#running !== undefined) return this.#running
    if (this.#open.size === 0) return undefined
    this.#quiet = 0
    if (this.#followed !== undefined) return this.#followed.getStore()
    for (const notes of this.#open) notes.miss('it was not followed')
    this.#followed = new AsyncLocalStorage()
    return undefined
  }

  /** What is kept of a step. @param notes as it began with */
  end(notes: StepNotes | undefined): StepNotes | undefined {
    if (notes === undefined) return this.#used ? this.#unseen : undefined
    this.#open.delete(notes)
    notes.end()
    return notes.isEmpty ? undefined : notes
  }
}

function unseenStep(): StepNotes {
  const notes = new StepNotes()
  notes.miss('it was not followed')
  notes.end()
  return notes
}
