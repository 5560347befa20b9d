/** Whether an office document is encrypted, by what its compound file (MS-CFB) holds. */

const entryBytes = 128
const sectorBytes = 512
/** Of what Office 2007 and later encrypt: a stream with all of the document. */
const packageName = 'EncryptedPackage'

/** @param bytes of a compound file */
export function isEncryptedDocument(bytes: Buffer): boolean {
  return (
    streamStart(bytes, packageName) !== undefined ||
    isEncryptedWord(bytes) ||
    isEncryptedExcel(bytes)
  )
}

/** MS-DOC §2.5.2: fEncrypted in the base of the FIB. */
function isEncryptedWord(bytes: Buffer): boolean {
  const at = streamStart(bytes, 'WordDocument')
  if (at === undefined || at + 12 > bytes.length) return false
  return bytes.readUInt16LE(at) === 0xa5ec && (bytes.readUInt16LE(at + 10) & 0x0100) !== 0
}

/** MS-XLS §2.4.117: a record FilePass near the beginning of the workbook. */
function isEncryptedExcel(bytes: Buffer): boolean {
  let at = streamStart(bytes, 'Workbook') ?? streamStart(bytes, 'Book')
  if (at === undefined) return false
  for (let left = 4; left > 0 && at + 4 <= bytes.length; left--) {
    if (bytes.readUInt16LE(at) === 0x2f) return true
    at += 4 + bytes.readUInt16LE(at + 2)
  }
  return false
}

/** Where a stream of this name begins. Its entry is looked for wherever one may stand: a damaged file has them too. */
function streamStart(bytes: Buffer, name: string): number | undefined {
  const wanted = Buffer.from(`${name}\0`, 'utf16le')
  for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, at + 1)) {
    if (at % entryBytes !== 0 || at + entryBytes > bytes.length) continue
    if (bytes.readUInt16LE(at + 64) === wanted.length)
      return (bytes.readUInt32LE(at + 116) + 1) * sectorBytes
  }
  return undefined
}
