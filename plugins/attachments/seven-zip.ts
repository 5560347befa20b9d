/** What the header of a 7z archive says, which stands at its end and mostly is packed itself. */

const signature = Buffer.from([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c])
const startBytes = 32
/** What unpacks with a password: AES-256 with SHA-256. */
const aes = Buffer.from([0x06, 0xf1, 0x07, 0x01])

export type SevenZipLook = 'encrypted' | 'unknown' | 'damaged'

/** Where it begins, also behind a program that unpacks it; undefined where none does. */
export function sevenZipStart(bytes: Buffer): number | undefined {
  const at = bytes.indexOf(signature)
  return at < 0 ? undefined : at
}

/**
 * Whether a password is needed: for the list of files, or for what is in them. Where only they are encrypted and the list is
 * packed, it does not show.
 * @param bytes from the signature on
 */
export function lookAtSevenZip(bytes: Buffer): SevenZipLook {
  if (bytes.length < startBytes) return 'damaged'
  const from = startBytes + Number(bytes.readBigUInt64LE(12))
  const to = from + Number(bytes.readBigUInt64LE(20))
  if (to > bytes.length) return 'damaged'
  return bytes.subarray(from, to).includes(aes) ? 'encrypted' : 'unknown'
}
