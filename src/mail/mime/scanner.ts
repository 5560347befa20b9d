/**
 * Reads a message once, in chunks of any size, and notes where its parts are. One scanner is one reading (`MimeChoices`).
 * Linear in the bytes; what it keeps is bounded by the limits, never by the message; never throws, whatever the bytes are.
 */
import { parseHeader, type Header } from '../header.ts'
import { asBuffer, isBlank, nameLength } from '../header-lines.ts'
import type { BoundaryMatch } from './boundary-trie.ts'
import { mimeLimits, type MimeLimits } from './limits.ts'
import {
  firstLineEnd,
  hasBareLineEnd,
  lineAt,
  mendedLineEnds,
  nextDashes,
  type Line,
} from './lines.ts'
import { Notes } from './notes.ts'
import { OpenMultiparts } from './open-multiparts.ts'
import { isMessage, partFacts } from './part-facts.ts'
import { PartList } from './part-list.ts'
import type { MessageSource } from './source.ts'
import type { MimeAmbiguity, MimeChoices, MimeLimit, MimeLimitKind, MimePart } from './tree.ts'

export const ourChoices: MimeChoices = {
  fields: 'first',
  lines: 'crlf',
  delimiters: 'exact',
  junk: 'skipped',
}

export interface ScanResult {
  readonly parts: readonly MimePart[]
  readonly ambiguities: readonly MimeAmbiguity[]
  readonly limit?: MimeLimit
  /** How many lines were looked at: for tests of how the work grows. */
  readonly steps: number
}

type KnownHeader = Pick<MessageSource, 'header' | 'bodyOffset'>

/** How many bytes the line end before a line has; 0 where that is none of the body's. */
type Ending = 0 | 1 | 2

const lf = 0x0a
const cr = 0x0d
const hyphen = 0x2d
const contentField = 'content-'
/** Of a field, in characters, where nobody doubts that it is one. */
const longestName = 80
/** Of the blanks in front of a field, where it is still taken for one. */
const longestIndentation = 1024
/** A line that is longer is no delimiter: the longest boundary and blanks have room. */
const longestDelimiter = 1024

export class MimeScanner {
  readonly #choices: MimeChoices
  readonly #limits: MimeLimits
  readonly #known: KnownHeader
  /** Of the header whose lines are looked at one by one, because not all end as they should. */
  #unusual: number | undefined
  readonly #parts = new PartList()
  readonly #multiparts = new OpenMultiparts()
  readonly #notes = new Notes()
  #limit: MimeLimit | undefined
  /** What is not decided yet, and where it begins in the message. */
  #data: Buffer = Buffer.alloc(0)
  #base = 0
  /** In `#data`: the next byte to look at. A header is kept whole until it ends. */
  #at = 0
  #headerStart: number | undefined = 0
  #headerBytes = 0
  /** Where `#at` begins a line of a body: the line end before it. */
  #lineStart: Ending | undefined
  #delimiters = 0
  #steps = 0

  constructor(
    choices: MimeChoices = ourChoices,
    limits: MimeLimits = mimeLimits,
    known: KnownHeader = {},
  ) {
    this.#choices = choices
    this.#limits = limits
    this.#known = known
    this.#parts.begin({ parent: -1, offset: 0, defaultType: 'text/plain' })
  }

  /** Whether more bytes would change anything: false once a limit is met. */
  get wantsMore(): boolean {
    return this.#limit === undefined
  }

  push(chunk: Uint8Array): void {
    if (!this.wantsMore) return
    const bytes = asBuffer(chunk)
    this.#data = this.#data.length === 0 ? bytes : Buffer.concat([this.#data, bytes])
    this.#run(false)
  }

  end(): ScanResult {
    this.#run(true)
    const end = this.#limit?.offset ?? this.#base + this.#data.length
    if (this.#limit === undefined) this.#noteUnended(this.#multiparts.unended)
    const result = {
      parts: this.#parts.finish(end),
      ambiguities: this.#notes.all,
      steps: this.#steps,
    }
    return this.#limit === undefined ? result : { ...result, limit: this.#limit }
  }

  /** Steps as far as can be decided; what is left over waits for the next chunk. */
  #run(last: boolean): void {
    let decided = true
    while (decided && this.wantsMore) {
      this.#steps += 1
      decided =
        this.#headerStart === undefined ? this.#body(last) : this.#header(this.#headerStart, last)
    }
    const kept = this.#headerStart === undefined ? this.#at : this.#headerStart - this.#base
    this.#data = this.#data.subarray(kept)
    this.#base += kept
    this.#at -= kept
  }

  /** One line of a header. @returns whether it could be decided */
  #header(headerStart: number, last: boolean): boolean {
    const start = headerStart - this.#base
    const indented = this.#at === start ? this.#indentation(start, last) : 0
    if (indented === undefined) return false
    if (indented > 0) return this.#beginHeaderAt(start + indented)
    if (this.#unusual !== headerStart)
      this.#passFields(headerStart, Math.min(this.#data.length, start + this.#limits.headerBytes))
    const at = this.#at
    const data = this.#data.subarray(0, start + this.#limits.headerBytes)
    const cut = data.length === start + this.#limits.headerBytes
    const line = lineAt(data, at, this.#choices.lines) ?? (last && !cut ? rest(data) : undefined)
    if (line === undefined) return cut ? this.#stop('header', at) : false
    if (line.end === at) {
      const skips = this.#skipsBlank(at, line.next, last)
      if (skips === undefined) return false
      if (!skips) return this.#endHeader(at, line.next)
      return this.#beginHeaderAt(line.next)
    }
    const match = isDashes(data, at) ? this.#multiparts.match(data, at + 2, line.end) : undefined
    const divides = match !== undefined && this.#accepts(match, 0)
    if (divides) this.#note('header')
    // Some readers look for nothing but an empty line.
    if (divides && this.#choices.junk !== 'never-ends') {
      this.#endHeader(at, at)
      // Of a message the header begins here, and ends here once more.
      if (!this.wantsMore || this.#headerStart !== undefined) return true
      return this.#delimiter(match, { ...line, ending: 0 })
    }
    if (!isBlank(data[at]) && nameLength(data, at) === 0 && !isEnvelopeLine(data, at, start)) {
      if (this.#choices.junk === 'ends-header') {
        this.#note('header')
        return this.#endHeader(at, at)
      }
      // A message in base64, which has no header to those who do not decode it, is no header of any length.
      if (at === start && this.#parts.current.index > 0) return this.#beginHeaderAt(line.next)
      this.#note('header')
    }
    this.#at = line.next
    return true
  }

  /** Passes over lines that every reader takes alike: fields with CRLF at their end, and what goes on from the line before. */
  #passFields(headerStart: number, to: number): void {
    const data = this.#data
    for (let at = this.#at; ;) {
      const isField = isBlank(data[at]) || (data[at] !== hyphen && nameLength(data, at) > 0)
      if (!isField) return
      const end = data.indexOf(lf, at)
      if (end < 0 || end >= to) return
      if (data.indexOf(cr, at) !== end - 1) {
        this.#unusual = headerStart
        return
      }
      this.#steps += 1
      at = this.#at = end + 1
    }
  }

  /**
   * Blanks in front of a part's first field make it a line that goes on from none, but many readers take the field all the same.
   * @returns how many there are; undefined where too little is there to say
   */
  #indentation(start: number, last: boolean): number | undefined {
    if (this.#parts.current.index === 0 || !isBlank(this.#data[start])) return 0
    const most = start + longestIndentation
    let at = start
    while (at < most && isBlank(this.#data[at])) at += 1
    if (this.#data.length < at + longestName && !last) return undefined
    return nameLength(this.#data.subarray(at, at + longestName), 0) > 0 ? at - start : 0
  }

  /** What stands before is skipped. @returns true */
  #beginHeaderAt(next: number): true {
    this.#note('header')
    this.#at = next
    this.#headerStart = this.#base + next
    this.#parts.moveTo(this.#headerStart)
    return true
  }

  /**
   * An empty line where a part begins ends its header, which is empty; some readers skip it where fields follow. What they see
   * hides nothing from the others. @returns undefined where too little is there to say
   */
  #skipsBlank(at: number, next: number, last: boolean): boolean | undefined {
    const { index, parent } = this.#parts.current
    if (index === 0 || this.#base + at !== this.#headerStart) return false
    const length = isMessage(this.#parts.typeOf(parent) ?? '') ? longestName : contentField.length
    if (this.#data.length < next + length && !last) return undefined
    const line = this.#data.subarray(next, next + length)
    return length === longestName
      ? nameLength(line, 0) > 0
      : line.toString('latin1').toLowerCase() === contentField
  }

  /** The header runs to `to`, its body begins at `body`. @returns true */
  #endHeader(to: number, body: number): boolean {
    const headerStart = this.#headerStart ?? 0
    const raw = this.#data.subarray(headerStart - this.#base, to)
    const bare = hasBareLineEnd(raw)
    const header = this.#parsed(raw, bare)
    this.#headerBytes += raw.length
    if (header.cut || this.#headerBytes > this.#limits.allHeaderBytes)
      return this.#stop('header', to)
    if (bare) this.#notes.add('line-ends', headerStart)
    const { index, defaultType } = this.#parts.current
    const facts = partFacts(header, this.#choices.fields, defaultType)
    if (facts.cut) return this.#stop('header', to)
    for (const kind of facts.ambiguities) this.#notes.add(kind, headerStart)
    const bodyOffset = this.#base + body
    const container = isMessage(facts.type) || facts.boundaries.length > 0
    this.#parts.describe({ header, facts, bodyOffset, container })
    this.#headerStart = undefined
    this.#at = body
    this.#lineStart = 2
    if (isMessage(facts.type)) this.#beginPart(index, 'text/plain')
    else if (container && this.#multiparts.open(index, facts.boundaries)) {
      this.#notes.add('boundary', headerStart)
    }
    return true
  }

  #parsed(raw: Buffer, bare: boolean): Header {
    if (bare && this.#choices.lines === 'any') return parseHeader(mendedLineEnds(raw))
    const { header, bodyOffset } = this.#known
    const isKnown = this.#headerStart === 0 && raw.length + 2 === bodyOffset
    return isKnown && header !== undefined ? header : parseHeader(raw)
  }

  /** A part begins at `#at`, unless there are too many. */
  #beginPart(parent: number, defaultType: string): void {
    if (this.#parts.length >= this.#limits.parts) this.#stop('parts', this.#at)
    else if (this.#parts.depthOf(parent) >= this.#limits.depth) this.#stop('depth', this.#at)
    else {
      const offset = this.#base + this.#at
      this.#parts.begin({ parent, offset, defaultType })
      this.#headerStart = offset
    }
  }

  /** From one line that may be a delimiter to the next. @returns whether it could be decided */
  #body(last: boolean): boolean {
    const { length } = this.#data
    if (this.#multiparts.none) {
      this.#at = length
      return false
    }
    if (this.#lineStart !== undefined) {
      if (length - this.#at < 2 && !last) return false
      if (isDashes(this.#data, this.#at)) return this.#candidate(this.#lineStart, last)
      this.#lineStart = undefined
    }
    const next = this.#nextCandidate()
    // The beginning of "\r\n--" may be the end of this chunk.
    this.#at = next?.at ?? Math.max(this.#at, length - 4)
    this.#lineStart = next?.ending
    return next !== undefined
  }

  /** A line with two hyphens in front, at `#at`. */
  #candidate(ending: Ending, last: boolean): boolean {
    const at = this.#at
    if (!this.#multiparts.mayMatch(this.#data, at + 2)) return this.#pass()
    const data = this.#data.subarray(0, at + longestDelimiter)
    const cut = data.length === at + longestDelimiter
    const line = lineAt(data, at, this.#choices.lines) ?? (last && !cut ? rest(data) : undefined)
    if (line === undefined && !cut) return false
    const end = Math.min(firstLineEnd(data, at) ?? data.length, line?.end ?? data.length)
    const match = this.#multiparts.match(data, at + 2, end)
    if (match === undefined) return this.#pass()
    this.#delimiters += 1
    if (this.#delimiters > this.#limits.delimiters) return this.#stop('delimiters', at)
    if (line?.end !== end) this.#note(line === undefined ? 'boundary' : 'line-ends')
    if (line === undefined || !this.#accepts(match, ending)) return this.#pass()
    return this.#delimiter(match, { ...line, ending })
  }

  /** The line is no delimiter. @returns true */
  #pass(): true {
    this.#at += 2
    this.#lineStart = undefined
    return true
  }

  /** Whether this reader takes the line for a delimiter; that another would not is noted. */
  #accepts(match: BoundaryMatch, ending: Ending): boolean {
    if (!match.exact) this.#note('boundary')
    if (ending === 1) this.#note('line-ends')
    if (!match.exact && this.#choices.delimiters === 'exact') return false
    return ending !== 1 || this.#choices.lines === 'any'
  }

  #delimiter(match: BoundaryMatch, line: Line & { readonly ending: Ending }): boolean {
    const selected = this.#multiparts.select(match)
    if (selected === undefined) return true
    const { multipart, unended } = selected
    this.#noteUnended(unended)
    // The line end before a delimiter belongs to it (RFC 2046 §5.1.1).
    this.#parts.closeInside(multipart.part, this.#base + this.#at - line.ending)
    // What stands after the end is text to the standards, but parts to some readers: taken for parts it hides less.
    if (multipart.ended && match.kind !== 'close') this.#note('after-end')
    this.#at = line.next
    this.#lineStart = 2
    if (match.kind === 'close') {
      multipart.ended = true
      return true
    }
    const digest = this.#parts.typeOf(multipart.part) === 'multipart/digest'
    this.#beginPart(multipart.part, digest ? 'message/rfc822' : 'text/plain')
    return true
  }

  /** The next line that begins with two hyphens, after whatever line end. */
  #nextCandidate(): { readonly at: number; readonly ending: Ending } | undefined {
    const data = this.#data
    const at = nextDashes(data, this.#at)
    if (at === undefined) return undefined
    return { at, ending: data[at - 1] === lf && data[at - 2] === cr ? 2 : 1 }
  }

  #noteUnended(parts: readonly number[]): void {
    for (const part of parts) this.#notes.add('no-end', this.#parts.offsetOf(part))
  }

  /** Of the line at `#at`. */
  #note(kind: MimeAmbiguity['kind']): void {
    this.#notes.add(kind, this.#base + this.#at)
  }

  #stop(limit: MimeLimitKind, at: number): true {
    this.#limit ??= { limit, offset: this.#base + at }
    return true
  }
}

/** The last line of the message has no end. */
function rest(data: Uint8Array): Line {
  return { end: data.length, next: data.length }
}

function isDashes(data: Uint8Array, at: number): boolean {
  return data[at] === hyphen && data[at + 1] === hyphen
}

/** mbox files begin with a line that is no field, and nobody minds. */
function isEnvelopeLine(data: Buffer, at: number, start: number): boolean {
  return at === start && data.toString('latin1', at, at + 5) === 'From '
}
