/** Files that stand uuencoded in a text, as mail programs of before MIME wrote them and many still show them. */
import { UuDecoder } from 'postern/plugin'

export interface UuFile {
  readonly name: string
  readonly bytes: Buffer
}

/** What a text has of them. */
export interface UuFiles {
  readonly files: readonly UuFile[]
  /** Whether there are more than are read. */
  readonly more: boolean
}

const mostFiles = 50
const mostLine = 128
const beginning = /^begin[ \t]{1,8}[0-7]{3,7}[ \t]{1,8}[^\r\n]/
const beginningWithin = /(?:^|\n)begin[ \t]{1,8}[0-7]{3,7}[ \t]{1,8}[^\r\n]/
/** As long as what shows a beginning. */
const overlap = '\nbegin'.length + 8 + 7 + 8 + 1

export function uuFilesIn(text: Buffer): UuFiles {
  const files: UuFile[] = []
  for (let at = 0; ;) {
    const begin =
      text.subarray(at, at + 5).toString('latin1') === 'begin' ? at : lineAfter(text, '\nbegin', at)
    if (begin < 0) return { files, more: false }
    // Before anything is decoded: lines that only look like a beginning cost nothing.
    if (!beginning.test(text.toString('latin1', begin, begin + mostLine))) {
      at = begin + 5
      continue
    }
    if (files.length === mostFiles) return { files, more: true }
    const end = endAfter(text, begin)
    const decoder = new UuDecoder()
    const lines = text.subarray(begin, end < 0 ? text.length : end + 5)
    const bytes = Buffer.concat([decoder.push(lines), decoder.end()])
    if (decoder.name !== undefined) files.push({ name: decoder.name, bytes })
    // The next may begin right behind this one's end.
    if (decoder.name === undefined) at = begin + 5
    else at = end < 0 ? text.length : end + 3
  }
}

/** Whether a text that is not kept has a beginning somewhere, however it comes in pieces. */
export class UuBeginning {
  #found = false
  #last = '\n'

  get found(): boolean {
    return this.#found
  }

  push(chunk: Uint8Array): void {
    if (this.#found) return
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    const text = this.#last + bytes.toString('latin1')
    this.#found = beginningWithin.test(text)
    this.#last = text.slice(-overlap)
  }
}

/**
 * Where the line begins that says `end` and nothing else; -1 where there is none. One that only begins so is a line of the file:
 * `e` says that it has five bytes.
 */
function endAfter(text: Buffer, from: number): number {
  for (let at = from; ;) {
    const line = lineAfter(text, '\nend', at)
    if (line < 0) return -1
    const next = text.indexOf('\n', line)
    const rest = text.toString(
      'latin1',
      line,
      next < 0 ? text.length : Math.min(next, line + mostLine),
    )
    if (rest.trimEnd() === 'end') return line
    at = line
  }
}

/** Where the line begins that the text after the line end begins; -1 where there is none. */
function lineAfter(text: Buffer, wanted: string, from: number): number {
  const at = text.indexOf(wanted, from, 'latin1')
  return at < 0 ? -1 : at + 1
}
