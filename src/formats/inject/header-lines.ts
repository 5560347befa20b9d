/** Where a message that a person or a program wrote has its header, and what is in it. */

/** A field as it stands, with its line ends. */
export interface WrittenField {
  /** In lower case; empty for a line that is no field of anybody's. */
  readonly name: string
  /** The name as it was written. */
  readonly shownName: string
  /** Behind the colon, without the last line end. */
  readonly value: string
  readonly text: string
}

export interface WrittenMessage {
  readonly fields: readonly WrittenField[]
  /** What follows, from the empty line on: one is put in front where there was none. Empty: nothing follows. */
  readonly rest: string
}

const fieldName = /^([!-9;-~]+)[ \t]*:/

/** @param text one character for each byte, with LF line ends; the last line may lack its own */
export function readMessage(text: string): WrittenMessage {
  const fields: WrittenField[] = []
  let at = 0
  while (at < text.length) {
    const line = lineAt(text, at)
    if (line === '\n') return { fields, rest: ended(text.slice(at)) }
    const last = fields.at(-1)
    if (/^[ \t]/.test(line) && last !== undefined) fields[fields.length - 1] = continued(last, line)
    else {
      const field = fieldOf(line)
      if (field === undefined) return { fields, rest: `\n${ended(text.slice(at))}` }
      fields.push(field)
    }
    at += line.length
  }
  return { fields: fields.map(endedField), rest: '' }
}

function lineAt(text: string, at: number): string {
  const end = text.indexOf('\n', at)
  return end < 0 ? text.slice(at) : text.slice(at, end + 1)
}

function ended(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`
}

function endedField(field: WrittenField): WrittenField {
  return { ...field, text: ended(field.text) }
}

function continued(field: WrittenField, line: string): WrittenField {
  return { ...field, value: `${field.value}\n${withoutEnd(line)}`, text: field.text + line }
}

function withoutEnd(line: string): string {
  return line.endsWith('\n') ? line.slice(0, -1) : line
}

/** The line with which an mbox begins a message is kept as a field of its own. */
function fieldOf(line: string): WrittenField | undefined {
  if (line.startsWith('From ')) {
    return { name: '', shownName: '', value: '', text: `MBOX-Line: ${line}` }
  }
  const [whole, shownName] = fieldName.exec(line) ?? []
  if (whole === undefined || shownName === undefined) return undefined
  const value = withoutEnd(line.slice(whole.length))
  return { name: shownName.toLowerCase(), shownName, value, text: line }
}
