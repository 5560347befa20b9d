/**
 * Whether a head is text that no type is known by: most parts of most mail, which need not be held against a few hundred
 * signatures one by one. Says no wherever there is a doubt; a test holds it against every signature that file-type has.
 */

/** What lies behind it shows no type: signatures of file-type end before. */
const lookedAt = 512
/** Signatures are compared with zeros beyond the end of what is shorter; all but that of tar end before this. */
const shortest = 32

/** The first two bytes of the signatures that are text, or begin with two characters of text. */
const beginnings = new Set(
  (
    'BM MZ %! GI II BZ ID MP CW FW Ob FL 8B FO ca ic PK Og MT wO DS LZ fL BP wv %P MM MA SQ NE Cr MS IS !B PA tt re $F OT #! ' +
    '{\\ IM IT .R DR <? 7z Ra so AC 07 BL !< WE AR gl gi RE RI 0& FR BE FU Ex Cr Ka bo --'
  )
    .split(' ')
    .map((two) => (two.charCodeAt(0) << 8) | two.charCodeAt(1)),
)

/** Signatures that stand further behind: where, and the first two bytes of them. */
const further: readonly (readonly [number, number])[] = (
  [
    [2, '-l'],
    [4, 'fr'],
    [4, 'md'],
    [4, 'mo'],
    [4, 'wi'],
    [4, 'ft'],
    [7, '**'],
    [36, 'ac'],
    [44, 'SC'],
    [60, 'BO'],
    [128, 'DI'],
    [257, 'us'],
  ] as const
).map(([at, two]) => [at, (two.charCodeAt(0) << 8) | two.charCodeAt(1)])

/** @param head the first `headBytes`, or all there is */
export function isPlainText(head: Uint8Array): boolean {
  if (head.length < shortest || beginnings.has(twoAt(head, 0))) return false
  for (const [at, two] of further) {
    if (twoAt(head, at) === two) return false
  }
  if (isTransportStream(head) || maySumUp(head)) return false
  const end = Math.min(head.length, lookedAt)
  for (let at = 0; at < end; at++) {
    const byte = head[at] ?? 0
    if (byte < 0x20 ? byte !== 0x0a && byte !== 0x0d && byte !== 0x09 : byte === 0x7f) return false
    // In what is encoded in whatever charset; of signatures with such bytes one stands among the first four.
    if (byte > 0x7f && at < 4) return false
  }
  return true
}

function twoAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
}

/** Packets of 188 bytes, each with a G in front, or four bytes before it. */
function isTransportStream(head: Uint8Array): boolean {
  const g = 0x47
  return (head[0] === g && head[188] === g) || (head[4] === g && head[196] === g)
}

/** A tar archive may be known by nothing but the sum of its bytes, in octal digits, where zeros follow. */
function maySumUp(head: Uint8Array): boolean {
  if (head.length >= 263) return false
  for (let at = 148; at < 154; at++) {
    const byte = head[at] ?? 0
    if (byte >= 0x30 && byte <= 0x37) return true
  }
  return false
}
