/**
 * Policy tests as an operator writes them: this session, that verdict. A file is a list of tests; what is wrong with it is
 * a mistake with its line, as everywhere in the configuration.
 */
import type { JsonObject, JsonValue } from '../mail/json.ts'
import { option } from '../plugin/option-makers.ts'
import type { OptionValues } from '../plugin/option.ts'
import { optional } from '../plugin/optional.ts'
import type { Mistake, WrittenAt } from '../plugin/mistake.ts'
import { parseConfigDocument, type Path } from './document.ts'
import { readGivenDns, type GivenDnsZones } from './given-dns.ts'
import { isMap, Reading } from './reading.ts'
import { noFiles } from './no-files.ts'

const testShape = {
  test: option.string({ maxLength: 200, description: 'A true sentence about the policy' }),
  listener: optional(option.string({ description: 'Its name; the first for mail where left out' })),
  client: option.string({ default: '198.51.100.7', description: 'The address of the client' }),
  client_name: optional(
    option.string({
      description: 'Its name by DNS, which leads back where dns does not say otherwise',
    }),
  ),
  hello: option.string({ default: 'client.test' }),
  tls: option.boolean({ default: false, description: 'By STARTTLS, or from the first byte' }),
  login: optional(option.string({ description: 'A user whose password is right' })),
  at: optional(option.string({ description: 'The time, such as 2026-11-21T12:00:00Z' })),
  from: optional(option.string({ description: 'The reverse-path; "" is the null path' })),
  mail_parameters: option.string({ default: '', description: 'Behind MAIL: SIZE=1000' }),
  to: option.strings({ default: [], description: 'Recipients, in this order' }),
  message: optional(option.string({ description: 'With its header' })),
  message_file: optional(option.string({ description: 'The same, relative to this file' })),
  net: option.choice(['none', 'real'], {
    default: 'none',
    description: 'Connections of entries to scanners and their like; none: the test fails',
  }),
  off: option.strings({ default: [], description: 'Entries that are left out' }),
} as const

const outcomeShape = {
  code: optional(option.integer({ min: 200, max: 599 })),
  status: optional(option.string()),
  text: optional(option.string({ description: 'Part of the reply' })),
  entry: optional(option.string({ description: 'Who decided' })),
  reason: optional(option.string()),
} as const

const testStages = ['connect', 'hello', 'auth', 'mail', 'rcpt', 'data', 'message'] as const
export type TestStage = (typeof testStages)[number]

/** What a reply is to be; what is not said may be anything. */
export type ExpectedOutcome = OptionValues<typeof outcomeShape> & { readonly line: number }

export interface Expected {
  /** By stage; of `rcpt` and `message` also by recipient, as `rcpt bob@example.org`. `final`: the last reply. */
  readonly outcomes: ReadonlyMap<string, ExpectedOutcome>
  readonly quarantined?: { readonly value: boolean; readonly line: number }
  /** Fields that stand in the header of what is delivered or held: `X-Spam-Flag: YES`. */
  readonly header: readonly { readonly field: string; readonly line: number }[]
}

export type PolicyTest = OptionValues<typeof testShape> & {
  readonly file: string
  readonly line: number
  readonly dns: GivenDnsZones
  readonly expected: Expected
}

export interface PolicyTestsReading {
  readonly tests: readonly PolicyTest[]
  readonly mistakes: readonly Mistake[]
}

/** @param file how messages name it */
export function readPolicyTests(file: string, text: string): PolicyTestsReading {
  const { document, mistakes } = parseConfigDocument(file, text)
  if (document === undefined) return { tests: [], mistakes }
  const reading = new Reading(document, noFiles)
  const place: WrittenAt = { file, path: [], lineOf: (path) => document.lineOf(path) }
  const list = document.value === null ? [] : reading.list([], document.value)
  const tests = list.flatMap((item, index) => readTest(reading, item, { place, index }))
  return { tests, mistakes: reading.mistakes }
}

function readTest(
  reading: Reading,
  item: JsonValue,
  { place, index }: { readonly place: WrittenAt; readonly index: number },
): readonly PolicyTest[] {
  const path = [index]
  if (!isMap(item)) {
    reading.mistake(path, 'is not a test', 'write "- test: what is so"')
    return []
  }
  const values = reading.section(path, testShape, item, ['dns', 'expect'])
  const dns = readGivenDns(reading, item['dns'], [...path, 'dns'])
  const lineOf = (at: Path): number => place.lineOf(at) ?? 1
  const expected = readExpected(reading, item['expect'], { path: [...path, 'expect'], lineOf })
  if (values === undefined) return []
  if (values.message !== undefined && values.message_file !== undefined) {
    reading.mistake([...path, 'message_file'], 'stands beside message', 'keep one of the two')
  }
  if (values.at !== undefined && Number.isNaN(Date.parse(values.at))) {
    reading.mistake([...path, 'at'], 'is not a time', 'write 2026-11-21T12:00:00Z')
  }
  return [{ ...values, file: place.file, line: lineOf(path), dns, expected }]
}

interface Where {
  readonly path: Path
  readonly lineOf: (path: Path) => number
}

function readExpected(
  reading: Reading,
  given: JsonValue | undefined,
  { path, lineOf }: Where,
): Expected {
  if (!isMap(given)) {
    reading.mistake(path, 'is missing', 'say what is to come of it: { final: 250 }')
    return { outcomes: new Map(), header: [] }
  }
  reading.unknownKeys(path, given, [...testStages, 'final', 'quarantined', 'header'])
  const outcomes = new Map<string, ExpectedOutcome>()
  const add = (name: string, value: JsonValue, at: Path): void => {
    const outcome = readOutcome(reading, value, at)
    if (outcome !== undefined) outcomes.set(name, { ...outcome, line: lineOf(at) })
  }
  for (const stage of [...testStages, 'final']) {
    const value = given[stage]
    if (value === undefined) continue
    if (isMap(value) && isByRecipient(stage, value)) {
      for (const [recipient, each] of Object.entries(value)) {
        add(`${stage} ${recipient}`, each, [...path, stage, recipient])
      }
    } else {
      add(stage, value, [...path, stage])
    }
  }
  const { quarantined, header } = given
  if (quarantined !== undefined && typeof quarantined !== 'boolean') {
    reading.mistake([...path, 'quarantined'], 'is neither true nor false', 'write true or false')
  }
  const headerPath = [...path, 'header']
  const fields = reading.list(headerPath, header).map((field, index) => ({
    field: typeof field === 'string' ? field : '',
    line: lineOf([...headerPath, index]),
  }))
  for (const [index, { field }] of fields.entries()) {
    if (/^[!-9;-~]+:/.test(field)) continue
    reading.mistake([...headerPath, index], 'is not a field', "write 'X-Spam-Flag: YES', in quotes")
  }
  return {
    outcomes,
    header: fields,
    ...(typeof quarantined === 'boolean'
      ? { quarantined: { value: quarantined, line: lineOf([...path, 'quarantined']) } }
      : {}),
  }
}

function isByRecipient(stage: string, value: JsonObject): boolean {
  return (
    (stage === 'rcpt' || stage === 'message') &&
    Object.keys(value).some((key) => !Object.hasOwn(outcomeShape, key))
  )
}

/** A code alone, or a map. */
function readOutcome(
  reading: Reading,
  value: JsonValue,
  path: Path,
): OptionValues<typeof outcomeShape> | undefined {
  return reading.section(path, outcomeShape, isMap(value) ? value : { code: value })
}
