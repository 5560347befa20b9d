/** What rspamd answers to /checkv2, read with care: everything that we use has the right type, or it is no answer. */
import type { HeaderEdit } from 'postern/plugin'

export const actions = [
  'no action',
  'greylist',
  'add header',
  'rewrite subject',
  'soft reject',
  'quarantine',
  'discard',
  'reject',
] as const
export type Action = (typeof actions)[number]

export interface RspamdAnswer {
  readonly action: Action
  readonly score: number
  readonly required: number
  /** The heaviest first. */
  readonly symbols: readonly { readonly name: string; readonly score: number }[]
  /** With the action `rewrite subject`. */
  readonly subject?: string
  /** What the client is to be told. */
  readonly text?: string
  readonly headerEdits: readonly HeaderEdit[]
}

const mostSymbols = 500
const mostEdits = 200

/** @returns what is wrong with it, where it is no answer */
export function readAnswer(json: string): RspamdAnswer | string {
  const given = parsed(json)
  if (given === undefined) return 'is no JSON object'
  const action = actions.find((each) => each === given.get('action'))
  if (action === undefined) return `has the action ${JSON.stringify(given.get('action'))}`
  const score = given.get('score')
  const required = given.get('required_score')
  if (!isNumber(score) || !isNumber(required)) return 'has no score'
  const subject = given.get('subject')
  const text = fieldsOf(given.get('messages'))?.get('smtp_message')
  return {
    action,
    score,
    required,
    symbols: symbolsOf(given.get('symbols')),
    ...(typeof subject === 'string' ? { subject: line(subject) } : {}),
    ...(typeof text === 'string' ? { text: line(text).replace(/[^\x20-\x7e]/g, '?') } : {}),
    headerEdits: headerEdits(given),
  }
}

type Fields = ReadonlyMap<string, unknown>

function parsed(json: string): Fields | undefined {
  try {
    return fieldsOf(JSON.parse(json))
  } catch {
    return undefined
  }
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? new Map(Object.entries(value))
    : undefined
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value)
}

function line(text: string): string {
  return text
    .slice(0, 900)
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
}

function symbolsOf(value: unknown): RspamdAnswer['symbols'] {
  const symbols = [...(fieldsOf(value) ?? [])].flatMap(([name, symbol]) => {
    const score = fieldsOf(symbol)?.get('score')
    return /^[\w.:()-]{1,120}$/.test(name) ? [{ name, score: isNumber(score) ? score : 0 }] : []
  })
  return symbols.toSorted((a, b) => Math.abs(b.score) - Math.abs(a.score)).slice(0, mostSymbols)
}

/** What the milter of rspamd would do to the header: removals first, from the last to the first. */
function headerEdits(given: Fields): readonly HeaderEdit[] {
  const milter = fieldsOf(given.get('milter'))
  const signature = given.get('dkim-signature')
  const added = [...(fieldsOf(milter?.get('add_headers')) ?? [])].flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((each: unknown) => additions(name, each)),
  )
  const removed = [...(fieldsOf(milter?.get('remove_headers')) ?? [])].flatMap(removals)
  const signed = [signature].flat().flatMap((each: unknown) => additions('DKIM-Signature', each))
  return [...removed, ...added, ...signed].slice(0, mostEdits)
}

const fieldName = /^[\x21-\x39\x3b-\x7e]{1,76}$/

/** A text, or `{ value, order }`; an order below zero counts from the end. */
function additions(name: string, given: unknown): readonly HeaderEdit[] {
  const fields = fieldsOf(given)
  const text = fields === undefined ? given : fields.get('value')
  if (typeof text !== 'string' || !fieldName.test(name)) return []
  const order = fields?.get('order')
  const edit = isNumber(order) && order < 0 ? 'append' : 'prepend'
  return [{ edit, name, value: folded(text) }]
}

/** 0: all of that name; a number: that one. What counts from the end is not known here, and means the last: all go. */
function removals([name, given]: readonly [string, unknown]): readonly HeaderEdit[] {
  if (!fieldName.test(name)) return []
  const numbers = [given].flat().filter(isNumber)
  const whole = numbers.some((nth) => nth <= 0 || !Number.isSafeInteger(nth))
  if (whole || numbers.length === 0) return numbers.length === 0 ? [] : [{ edit: 'remove', name }]
  return numbers.toSorted((a, b) => b - a).map((nth) => ({ edit: 'remove', name, nth }))
}

/** Folds stay, as far as they are folds; other control characters become blanks. */
function folded(text: string): string {
  return text
    .slice(0, 20_000)
    .split(/\r?\n/)
    .map((each) => each.replace(/\p{Cc}/gu, (control) => (control === '\t' ? '\t' : ' ')))
    .filter((each) => each.trim() !== '')
    .map((each, index) => (index === 0 || /^[ \t]/.test(each) ? each : ` ${each}`))
    .map((each) => each.trimEnd())
    .join('\r\n')
    .trimStart()
}
