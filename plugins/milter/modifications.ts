/** What a milter changes at the end of a message (SMFIR_*), as edits of ours. */
import {
  fieldText,
  parseMailbox,
  type EnvelopeEdit,
  type Header,
  type HeaderEdit,
  type Mailbox,
} from 'postern/plugin'
import { textsIn, type Packet } from './packet.ts'

export interface Modified {
  readonly headerEdits: readonly HeaderEdit[]
  readonly envelopeEdits: readonly EnvelopeEdit[]
  /** Why the milter wants it held. */
  readonly quarantine?: string
}

const mostEdits = 1000
const fieldName = /^[\x21-\x39\x3b-\x7e]{1,76}$/

export class Modifications {
  readonly #header: Header
  readonly #headerEdits: HeaderEdit[] = []
  /** Fields above those that were received, from the top; the milter counts our own Received among them. */
  readonly #inserted: Extract<HeaderEdit, { readonly edit: 'prepend' }>[] = []
  /** How many of them it put above Received. */
  #aboveReceived = 0
  readonly #envelopeEdits: EnvelopeEdit[] = []
  #quarantine: string | undefined

  constructor(header: Header) {
    this.#header = header
  }

  /** @returns what is wrong with it; nothing where it was taken */
  take({ letter, data }: Packet): string | undefined {
    const edits = this.#headerEdits.length + this.#inserted.length + this.#envelopeEdits.length
    if (edits >= mostEdits) return 'changes too much'
    switch (letter) {
      case 'h':
        return this.#add(textsIn(data))
      case 'i':
        return this.#insert(data)
      case 'm':
        return this.#change(data)
      case '+':
      case '2':
        return this.#envelope(data, (mailbox) => ({ edit: 'addRecipient', recipient: { mailbox } }))
      case '-':
        return this.#envelope(data, (mailbox) => ({ edit: 'removeRecipient', mailbox }))
      case 'e':
        return this.#changeSender(data)
      case 'q':
        this.#quarantine = fieldText(textsIn(data)[0] ?? '').slice(0, 200)
        return undefined
      case 'b':
        return 'replaces the body, which is never rewritten here'
      default:
        return `says ${JSON.stringify(letter)}`
    }
  }

  get result(): Modified {
    return {
      // Each goes on top of those before it.
      headerEdits: [...this.#headerEdits, ...this.#inserted.toReversed()],
      envelopeEdits: this.#envelopeEdits,
      ...(this.#quarantine === undefined ? {} : { quarantine: this.#quarantine }),
    }
  }

  #add([name = '', value = '']: readonly string[]): string | undefined {
    if (!fieldName.test(name)) return 'adds a field without a name'
    this.#headerEdits.push({ edit: 'append', name, value: folded(value) })
    return undefined
  }

  /**
   * By its place among all fields, our own Received included, which is the first of them. Here a field stands above all that
   * were received, or below.
   */
  #insert(data: Buffer): string | undefined {
    if (data.length < 4) return 'inserts a field nowhere'
    const place = data.readUInt32BE()
    const texts = textsIn(data.subarray(4))
    const [name = '', value = ''] = texts
    if (!fieldName.test(name)) return 'adds a field without a name'
    const above = this.#inserted.length
    if (place > 1 && place >= above + this.#header.fields.length) return this.#add(texts)
    const field = { edit: 'prepend', name, value: folded(value) } as const
    if (place > this.#aboveReceived) this.#inserted.splice(Math.min(place - 1, above), 0, field)
    else {
      this.#inserted.splice(place, 0, field)
      this.#aboveReceived += 1
    }
    return undefined
  }

  /** The nth of a name; an empty value removes it, and one that is not there is added. */
  #change(data: Buffer): string | undefined {
    if (data.length < 4) return 'changes no field'
    const nth = Math.max(1, data.readUInt32BE())
    const [name = '', value = ''] = textsIn(data.subarray(4))
    if (!fieldName.test(name)) return 'changes a field without a name'
    const isThere = this.#header.all(name).length >= nth
    if (value === '') {
      if (isThere) this.#headerEdits.push({ edit: 'remove', name, nth })
      return undefined
    }
    if (!isThere) return this.#add([name, value])
    this.#headerEdits.push({ edit: 'replace', name, nth, value: folded(value) })
    return undefined
  }

  #envelope(data: Buffer, edit: (mailbox: Mailbox) => EnvelopeEdit): string | undefined {
    const mailbox = mailboxOf(textsIn(data)[0] ?? '')
    if (mailbox === undefined) return 'names a recipient that is none'
    this.#envelopeEdits.push(edit(mailbox))
    return undefined
  }

  #changeSender(data: Buffer): string | undefined {
    const [path = ''] = textsIn(data)
    const reversePath = path === '<>' || path === '' ? null : mailboxOf(path)
    if (reversePath === undefined) return 'names a sender that is none'
    this.#envelopeEdits.push({ edit: 'setReversePath', reversePath })
    return undefined
  }
}

function mailboxOf(path: string): Mailbox | undefined {
  const address = path.startsWith('<') && path.endsWith('>') ? path.slice(1, -1) : path
  return parseMailbox(address, { smtputf8: true, barePostmaster: true })
}

/** Milters fold with a bare LF; what is no fold is made one, and an empty line goes. */
function folded(value: string): string {
  return value
    .slice(0, 65_536)
    .split(/\r?\n/)
    .map((line) => fieldText(line).trimEnd())
    .filter((line) => line.trim() !== '')
    .map((line, index) =>
      index === 0 ? line.trimStart() : /^[ \t]/.test(line) ? line : ` ${line}`,
    )
    .join('\r\n')
}
