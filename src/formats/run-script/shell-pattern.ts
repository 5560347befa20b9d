/** What stands before the `)` of a case. */

/** The work on one pattern is at most the product of both. */
const longestPattern = 200
const longestText = 4096

/**
 * Whether the whole of a text is like a pattern: `*`, `?`, `[a-z]`, `[!a-z]`, and a backslash before what means itself.
 * @returns undefined where one of them is too long, or a bracket is never closed
 */
export function isLike(text: string, pattern: string): boolean | undefined {
  if (text.length > longestText || pattern.length > longestPattern) return undefined
  const pieces = piecesOf(pattern)
  if (pieces === undefined) return undefined
  const characters = Array.from(text)
  let [at, piece] = [0, 0]
  // Where the last star stood, and how far it reaches: it takes one more where the rest is not alike.
  let [star, reach] = [-1, 0]
  while (at < characters.length) {
    const expected = pieces[piece]
    if (expected === 'any number') [star, reach] = [piece++, at]
    else if (expected?.(characters[at] ?? '') === true) {
      at += 1
      piece += 1
    } else if (star === -1) return false
    else {
      piece = star + 1
      reach += 1
      at = reach
    }
  }
  return pieces.slice(piece).every((each) => each === 'any number')
}

type Piece = 'any number' | ((character: string) => boolean)

function piecesOf(pattern: string): readonly Piece[] | undefined {
  const pieces: Piece[] = []
  const token = /\\([^])|(\*)|(\?)|\[([!^]?)(\]?[^\][\\:]*)\]|([^[])/uy
  while (token.lastIndex < pattern.length) {
    const found = token.exec(pattern)
    if (found === null) return undefined
    const [, escaped, star, question, not = '', set, plain] = found
    if (star !== undefined) pieces.push('any number')
    else if (question !== undefined) pieces.push(() => true)
    else if (set !== undefined) pieces.push((each) => isIn(set, each) === (not === ''))
    else pieces.push((each) => each === (escaped ?? plain))
  }
  return pieces
}

function isIn(set: string, character: string): boolean {
  const members = Array.from(set)
  for (let at = 0; at < members.length; at++) {
    const from = members[at] ?? ''
    const to = members[at + 1] === '-' ? members[at + 2] : undefined
    if (to !== undefined) at += 2
    if (character >= from && character <= (to ?? from)) return true
  }
  return false
}
