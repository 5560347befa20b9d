/**
 * Changes to a header: the fields that no edit names keep every byte, so that signatures over them hold.
 * An edit that would end the header, or smuggle in a second field, is a bug of whoever made it and throws.
 */
import assert from 'node:assert/strict'
import type { HeaderEdit } from './edits.ts'
import { assertField, formatField } from './header-field.ts'
import { asBuffer, fieldEnd, isBlank, isEmptyLine, nameLength } from './header-lines.ts'

/**
 * The header with the edits applied in order, each seeing what those before it did; a later prepend stands above
 * an earlier one. `nth` counts the fields as received, because who makes an edit has seen no others: a field that
 * another edit added is never the nth. An edit of a field that is not there changes nothing.
 * `headerBytes` run to the empty line and include it, as far as there is one; so does what is returned.
 * @throws AssertionError when an edit is not fit for a header: see `assertHeaderEdit`
 */
export function applyHeaderEdits(
  headerBytes: Uint8Array,
  edits: readonly HeaderEdit[],
): Uint8Array {
  if (edits.length === 0) return headerBytes
  const prepended: string[] = []
  for (const edit of edits) {
    if (edit.edit !== 'prepend') return withEdits(headerBytes, edits)
    prepended.push(formatField(edit.name, edit.value))
  }
  const top = prepended.reverse().join('') + shield(headerBytes)
  return Buffer.concat([Buffer.from(top), headerBytes])
}

/** @throws AssertionError on a name or value that `formatField` refuses, or an `nth` that counts nothing. */
export function assertHeaderEdit(edit: HeaderEdit): void {
  assertField(edit.name, edit.edit === 'remove' ? '' : edit.value)
  if (edit.edit === 'prepend' || edit.edit === 'append' || edit.nth === undefined) return
  assert(Number.isSafeInteger(edit.nth) && edit.nth > 0, `nth is ${edit.nth}: fields count from 1`)
}

/** A field that some edit names, or all that stands between two of them. */
interface Piece {
  /** In lower case; empty for what no edit names. */
  readonly name: string
  readonly bytes: Uint8Array
  /** Which of its name it was when it was received, counted from 1; none for a field that was added. */
  readonly received?: number
}

function withEdits(headerBytes: Uint8Array, edits: readonly HeaderEdit[]): Uint8Array {
  edits.forEach(assertHeaderEdit)
  const names = new Set(edits.map(({ name }) => name.toLowerCase()))
  const { pieces, rest } = split(asBuffer(headerBytes), names)
  return Buffer.concat([...edits.reduce(withEdit, pieces).map(({ bytes }) => bytes), rest])
}

interface Split {
  readonly pieces: readonly Piece[]
  readonly rest: Uint8Array
}

/** As many pieces as there are fields to edit, however many fields a stranger has sent. */
function split(buffer: Buffer, names: ReadonlySet<string>): Split {
  const pieces: Piece[] = []
  const counts = new Map<string, number>()
  let between = 0
  let offset = 0
  while (offset < buffer.length && !isEmptyLine(buffer, offset)) {
    const end = fieldEnd(buffer, offset)
    const name = buffer
      .toString('latin1', offset, offset + nameLength(buffer, offset))
      .toLowerCase()
    if (names.has(name)) {
      if (between < offset) pieces.push({ name: '', bytes: buffer.subarray(between, offset) })
      const received = (counts.get(name) ?? 0) + 1
      counts.set(name, received)
      pieces.push({ name, bytes: buffer.subarray(offset, end), received })
      between = end
    }
    offset = end
  }
  if (between < offset) pieces.push({ name: '', bytes: buffer.subarray(between, offset) })
  return { pieces, rest: buffer.subarray(offset) }
}

function withEdit(pieces: readonly Piece[], edit: HeaderEdit): readonly Piece[] {
  switch (edit.edit) {
    case 'prepend':
      return [pieceOf(edit.name, edit.value, shield(pieces[0]?.bytes)), ...pieces]
    case 'append':
      return [...pieces.map(terminated), pieceOf(edit.name, edit.value)]
    case 'remove': {
      const isMeant = selector(edit)
      return pieces.filter((piece) => !isMeant(piece))
    }
    case 'replace':
      return withReplaced(pieces, selector(edit), pieceOf(edit.name, edit.value))
  }
}

/** The first that is meant gives its place, the others go: a stranger who sends a field a million times gets back one. */
function withReplaced(
  pieces: readonly Piece[],
  isMeant: (piece: Piece) => boolean,
  by: Piece,
): readonly Piece[] {
  let placed = false
  return pieces.flatMap((piece) => {
    if (!isMeant(piece)) return [piece]
    if (placed) return []
    placed = true
    return [piece.received === undefined ? by : { ...by, received: piece.received }]
  })
}

function pieceOf(name: string, value: string, after = ''): Piece {
  return { name: name.toLowerCase(), bytes: Buffer.from(formatField(name, value) + after) }
}

function selector(meant: { name: string; nth?: number }): (piece: Piece) => boolean {
  const name = meant.name.toLowerCase()
  return (piece) => piece.name === name && (meant.nth === undefined || meant.nth === piece.received)
}

/** A message that ends within its header may lack the last line end. */
function terminated(piece: Piece): Piece {
  const whole = piece.bytes.at(-2) === 0x0d && piece.bytes.at(-1) === 0x0a
  return whole ? piece : { ...piece, bytes: Buffer.concat([piece.bytes, Buffer.from('\r\n')]) }
}

/** A header that begins with a folded line would continue whatever is put above it: the stranger's words get a name of their own. */
function shield(below: Uint8Array | undefined): string {
  return isBlank(below?.[0]) ? 'X-Malformed:\r\n' : ''
}
