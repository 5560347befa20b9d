import fc from 'fast-check'
import { expect, test } from 'vitest'
import { voucher } from '../../test/fixtures/plugins/voucher/voucher.ts'
import { parseJson } from '../mail/json.ts'
import { accept, pass, reject, type AnyVerdict } from '../plugin/verdict.ts'
import { chainUnderTest, entryOf } from '../testkit/chain-under-test.ts'
import { packSteps } from './pack-steps.ts'
import type { Step } from './step.ts'
import { StepNotes } from './step-notes.ts'

const { places } = chainUnderTest({ entries: [] }).build({ entries: [entryOf(voucher)] })
const [place] = places.rcpt
if (place === undefined) throw new Error('nobody is asked')

const text = fc.string({ unit: 'binary', maxLength: 20 })
const evidence = fc.dictionary(fc.string(), fc.oneof(text, fc.integer(), fc.constant(null)))
const opinion = fc.record({ reason: text, score: fc.integer(), evidence }, { requiredKeys: [] })
const verdict: fc.Arbitrary<AnyVerdict> = fc.oneof(
  fc.constant(pass()),
  opinion.map((each) => accept(each)),
  fc.tuple(text, opinion).map(([said, each]) => reject('5.7.1', said, each)),
)
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('asked', 'spoken', 'lifted'),
  place: fc.constant(place),
  stage: fc.constantFrom('rcpt', 'message'),
  round: fc.nat(3),
  verdict,
  fault: fc.option(fc.record({ kind: fc.constant('timeout' as const), detail: text }), {
    nil: undefined,
  }),
  startedMs: fc.nat(10_000),
  durationMs: fc.nat(100),
  remembered: fc.boolean(),
  doors: fc.option(
    text.map((question) => {
      const notes = new StepNotes()
      notes.keep(question, [question])
      return notes
    }),
    { nil: undefined },
  ),
})

/** As `PackedStep` says, made of objects. */
function expected(each: Step): unknown {
  const { kind, stage, round, fault, remembered, doors } = each
  const head = [each.place.number, each.durationMs * 1000]
  const isPlain = each.verdict === pass() && stage === 'rcpt'
  if (isPlain && doors === undefined) return round === 0 ? head : [...head, round]
  const { close, ...said } = { close: false, ...each.verdict }
  const details = {
    at: each.startedMs - 1_000,
    verdict: close ? { ...said, close } : said,
    round: round === 0 ? undefined : round,
    kind: kind === 'asked' ? undefined : kind,
    stage: stage === 'rcpt' ? undefined : stage,
    fault: fault && [fault.kind, fault.detail],
    remembered: remembered || undefined,
    doors: doors && parseJson(doors.pack()),
  }
  return JSON.parse(JSON.stringify([...head, details]))
}

test('steps are packed as JSON of what is told of them, whatever is in it', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 5 }), (steps) => {
      const { json, lost } = packSteps(steps, 1_000, undefined)
      expect(parseJson(json)).toEqual(steps.map(expected))
      expect(lost).toBe(0)
    }),
  )
})

test('of more than four thousand steps those are counted that told something and are not kept', () => {
  const [told] = fc.sample(step, { numRuns: 1, seed: 1 })
  if (told === undefined) return
  const telling: Step = { ...told, verdict: accept({ reason: 'R' }) }
  const plain: Step = { ...told, stage: 'rcpt', verdict: pass(), doors: undefined }
  const steps = [plain, ...Array.from({ length: 4_003 }, () => telling), plain]
  const { json, lost } = packSteps(steps, 0, undefined)
  expect(parseJson(json)).toHaveLength(4_000)
  expect(lost).toBe(3)
})
