/** SASLprep (RFC 4013): user names and passwords in a form in which equal ones are equal bytes. */
import * as tables from './saslprep-tables.ts'

type Ranges = readonly (readonly [first: number, last: number])[]

function parse(text: string): Ranges {
  return text
    .trim()
    .split(/\s+/)
    .map((range) => {
      const [first = '', last = first] = range.split('-')
      return [Number.parseInt(first, 16), Number.parseInt(last, 16)]
    })
}

const mappedToNothing = parse(tables.mappedToNothing)
const spaces = parse(tables.spaces)
const prohibited = parse(tables.prohibited)
const rightToLeft = parse(tables.rightToLeft)
const leftToRight = parse(tables.leftToRight)

/** By halving: the ranges are in order. */
function isIn(ranges: Ranges, point: number): boolean {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const [first, last] = ranges[middle] ?? [0, 0]
    if (point < first) high = middle
    else if (point > last) low = middle + 1
    else return true
  }
  return false
}

const printableAscii = /^[ -~]*$/

/**
 * As a query: code points that Unicode 3.2 had not assigned are taken (RFC 3454 §7).
 * @returns undefined where it holds what is prohibited, or mixes directions of writing
 */
export function saslprep(text: string): string | undefined {
  if (printableAscii.test(text)) return text
  if (!text.isWellFormed()) return undefined
  const prepared = mapped(text).normalize('NFKC')
  const points = pointsOf(prepared)
  const fits = !points.some((point) => isIn(prohibited, point)) && hasOneDirection(points)
  return fits ? prepared : undefined
}

function pointsOf(text: string): readonly number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0)
}

/** RFC 4013 §2.1. */
function mapped(text: string): string {
  const points = pointsOf(text).flatMap((point) => {
    if (isIn(spaces, point)) return [0x20]
    return isIn(mappedToNothing, point) ? [] : [point]
  })
  // Not spread into arguments: a password may be long.
  return points.map((point) => String.fromCodePoint(point)).join('')
}

/** RFC 3454 §6: what is written from right to left begins and ends so, and holds nothing of the other kind. */
function hasOneDirection(points: readonly number[]): boolean {
  if (!points.some((point) => isIn(rightToLeft, point))) return true
  const ends = [points[0], points.at(-1)]
  return (
    ends.every((point) => point !== undefined && isIn(rightToLeft, point)) &&
    !points.some((point) => isIn(leftToRight, point))
  )
}
