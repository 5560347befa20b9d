/** The tree of a message: read once where it is clear, once more for each way in which readers of it may differ. */
import { PosternError } from '../errors.ts'
import { nextTurn } from '../next-turn.ts'
import { mimeLimits, type MimeLimits } from './limits.ts'
import { Notes } from './notes.ts'
import { MimeScanner, ourChoices, type ScanResult } from './scanner.ts'
import type { MessageSource } from './source.ts'
import type { MimeAmbiguityKind, MimeChoices, MimeLimit, MimeReading, MimeTree } from './tree.ts'

/** What an ambiguity of a kind leaves to the reader. */
const alternatives: readonly (readonly [MimeAmbiguityKind, Partial<MimeChoices>])[] = [
  ['content-type', { fields: 'last' }],
  ['content-type', { fields: 'any' }],
  ['line-ends', { lines: 'any' }],
  ['boundary', { delimiters: 'prefix' }],
  ['header', { junk: 'never-ends' }],
  ['header', { junk: 'ends-header' }],
]

/** So much is scanned before others may run: a millisecond or so. */
const bytesAtOnce = 524_288

/**
 * @param signal stops the reading
 * @throws PosternError DISK_FAILED, ABORTED
 */
export async function readMimeTree(
  source: MessageSource,
  signal?: AbortSignal,
  limits: MimeLimits = mimeLimits,
): Promise<MimeTree> {
  const reading = readings()
  let step = reading.next()
  while (step.done !== true) {
    step = reading.next(await scan(source, { choices: step.value, limits, signal }))
  }
  return step.value
}

/** The tree of a message that lies in memory, at once; `undefined` of one that must be waited for. */
export function readHeldTree(
  source: MessageSource,
  limits: MimeLimits = mimeLimits,
): MimeTree | undefined {
  const chunks = source.sizeBytes > bytesAtOnce ? undefined : source.inMemory?.()
  if (chunks === undefined) return undefined
  const reading = readings()
  let step = reading.next()
  while (step.done !== true) {
    const scanner = new MimeScanner(step.value, limits, source)
    for (const chunk of chunks) scanner.push(chunk)
    step = reading.next(scanner.end())
  }
  return step.value
}

/** Asks for one scan after the other, each with choices of its own, and makes a tree of what they find. */
function* readings(): Generator<MimeChoices, MimeTree, ScanResult> {
  const ours = yield ourChoices
  const first = toReading({ choices: ourChoices, result: ours })
  if (ours.ambiguities.length === 0) return treeOf([first], ours)
  const results = [{ choices: ourChoices, result: ours }]
  // An ambiguity may show only in another reading; each kind adds one reading, and all kinds together one.
  for (let more = pending(results); more !== undefined; more = pending(results)) {
    results.push({ choices: more, result: yield more })
  }
  const notes = new Notes()
  for (const { result } of results) {
    for (const { kind, offset } of result.ambiguities) notes.add(kind, offset)
  }
  const [, ...others] = results.map(toReading)
  const limit = results.find(({ result }) => result.limit !== undefined)?.result.limit
  return treeOf([first, ...others], { ambiguities: notes.all, limit })
}

function treeOf(
  all: MimeTree['readings'],
  {
    ambiguities,
    limit,
  }: Pick<MimeTree, 'ambiguities'> & { readonly limit?: MimeLimit | undefined },
): MimeTree {
  return { readings: all, ambiguities, ...(limit === undefined ? {} : { limit }) }
}

interface Scanned {
  readonly choices: MimeChoices
  readonly result: ScanResult
}

function toReading({ choices, result: { parts } }: Scanned): MimeReading {
  return { choices, parts }
}

/** The next choices that were not tried: each doubt turned alone, then all together. */
function pending(results: readonly Scanned[]): MimeChoices | undefined {
  const kinds = new Set(results.flatMap(({ result }) => result.ambiguities.map(({ kind }) => kind)))
  const doubts = alternatives.flatMap(([kind, turned]) => (kinds.has(kind) ? [turned] : []))
  const all: MimeChoices = Object.assign({}, ourChoices, ...doubts)
  const wanted = [...doubts.map((turned) => ({ ...ourChoices, ...turned })), all]
  return wanted.find((choices) => results.every((each) => !same(each.choices, choices)))
}

function same(one: MimeChoices, other: MimeChoices): boolean {
  return (
    one.fields === other.fields &&
    one.lines === other.lines &&
    one.delimiters === other.delimiters &&
    one.junk === other.junk
  )
}

interface Scan {
  readonly choices: MimeChoices
  readonly limits: MimeLimits
  readonly signal: AbortSignal | undefined
}

async function scan(source: MessageSource, { choices, limits, signal }: Scan): Promise<ScanResult> {
  const scanner = new MimeScanner(choices, limits, source)
  let sinceBreath = 0
  for await (const chunk of source.read()) {
    if (signal?.aborted === true)
      throw new PosternError('ABORTED', 'reading the parts of a message')
    scanner.push(chunk)
    if (!scanner.wantsMore) break
    sinceBreath += chunk.length
    if (sinceBreath >= bytesAtOnce) {
      sinceBreath = 0
      await nextTurn()
    }
  }
  return scanner.end()
}
