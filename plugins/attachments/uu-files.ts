/** Files that stand uuencoded in a text, as mail programs of before MIME wrote them and many still show them. */
import { UuDecoder } from 'postern/plugin'

export interface UuFile {
  readonly name: string
  readonly bytes: Buffer
}

const mostFiles = 50
const mostLine = 128
const beginning = /^begin [0-7]{3,4} [^\r\n]/

export function uuFilesIn(text: Buffer): readonly UuFile[] {
  const files: UuFile[] = []
  for (let at = 0; files.length < mostFiles;) {
    const begin =
      text.subarray(at, at + 6).toString('latin1') === 'begin '
        ? at
        : lineAfter(text, '\nbegin ', at)
    if (begin < 0) break
    // Before anything is decoded: lines that only look like a beginning cost nothing.
    if (!beginning.test(text.toString('latin1', begin, begin + mostLine))) {
      at = begin + 6
      continue
    }
    const end = lineAfter(text, '\nend', begin)
    const decoder = new UuDecoder()
    const lines = text.subarray(begin, end < 0 ? text.length : end + 5)
    const bytes = Buffer.concat([decoder.push(lines), decoder.end()])
    if (decoder.name !== undefined) files.push({ name: decoder.name, bytes })
    at = decoder.name === undefined ? begin + 6 : begin + lines.length
  }
  return files
}

/** Where the line begins that the text after the line end begins; -1 where there is none. */
function lineAfter(text: Buffer, wanted: string, from: number): number {
  const at = text.indexOf(wanted, from, 'latin1')
  return at < 0 ? -1 : at + 1
}
