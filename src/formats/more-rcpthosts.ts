import type { CdbEntry } from './cdb.ts'
import { latin1, latin1Bytes, lowerAscii, trimBlanks } from './octets.ts'

/** What qmail-newmrh makes of control/morercpthosts: a record without a value for each line that is no comment. */
export function moreRcpthostsRecords(bytes: Uint8Array): readonly CdbEntry[] {
  return latin1(bytes)
    .split('\n')
    .map((line) => trimBlanks(lowerAscii(line)))
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => [latin1Bytes(line), new Uint8Array()])
}
