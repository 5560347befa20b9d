/** What the queue's commands ask for, as it goes over the control socket. */
import { isObject } from '../control/control-lines.ts'
import type { QueueDesk, Applied, QueueAction, Selection } from '../delivery/queue-desk.ts'
import { readScope, type PauseScope } from '../delivery/pauses.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'

export type QueueRequest =
  | {
      readonly what: 'apply'
      readonly action: QueueAction
      readonly selection: Selection
      readonly dryRun: boolean
    }
  | { readonly what: 'pause' | 'resume'; readonly scope: PauseScope }
  | { readonly what: 'pauses' }

export type QueueAnswer =
  | {
      readonly what: 'applied'
      readonly applied: Applied
      /** Workers that are being replaced: what they have is as it was. */
      readonly absent?: readonly number[]
    }
  /** What is paused afterwards. */
  | { readonly what: 'pauses'; readonly scopes: readonly PauseScope[] }

/** @throws PosternError what the queue and the disk throw */
export async function answerRequest(desk: QueueDesk, request: QueueRequest): Promise<QueueAnswer> {
  switch (request.what) {
    case 'apply': {
      const { action, selection, dryRun } = request
      return { what: 'applied', applied: await desk.apply(action, selection, { dryRun }) }
    }
    case 'pause':
      await desk.pause(request.scope)
      break
    case 'resume':
      await desk.resume(request.scope)
      break
    case 'pauses':
  }
  return { what: 'pauses', scopes: desk.pauses }
}

const actions: readonly QueueAction[] = ['hold', 'release', 'retry', 'remove', 'bounce']
const texts = ['reversePath', 'recipient', 'domain', 'reason', 'route'] as const
const instants = ['receivedBefore', 'receivedAfter'] as const
const marks = ['held', 'quarantined'] as const

/** Without the keys that are absent. */
export function writeRequest(request: QueueRequest): JsonValue {
  return asJson(JSON.stringify(request))
}

export function writeAnswer(answer: QueueAnswer): JsonValue {
  return asJson(JSON.stringify(answer))
}

function asJson(text: string): JsonValue {
  return JSON.parse(text)
}

/** @throws TypeError for what is no request: another version may have asked */
export function readRequestOf(value: JsonValue): QueueRequest {
  if (!isObject(value)) throw new TypeError('not a request')
  const { what, action, selection, dryRun, scope } = value
  if (what === 'pauses') return { what }
  if (what === 'pause' || what === 'resume') {
    const paused = readScope(scope)
    if (paused === undefined) throw new TypeError('not a scope of a pause')
    return { what, scope: paused }
  }
  const known = actions.find((name) => name === action)
  if (what !== 'apply' || known === undefined || !isObject(selection)) {
    throw new TypeError('not a request')
  }
  return { what, action: known, selection: readSelection(selection), dryRun: dryRun === true }
}

/** An unknown key would select more than is meant. */
function readSelection(value: JsonObject): Selection {
  const selection: { -readonly [K in keyof Selection]: Selection[K] } = {}
  for (const [key, wanted] of Object.entries(value)) {
    const text = texts.find((name) => name === key)
    const instant = instants.find((name) => name === key)
    const mark = marks.find((name) => name === key)
    if (text !== undefined && typeof wanted === 'string') selection[text] = wanted
    else if (instant !== undefined && typeof wanted === 'number') selection[instant] = wanted
    else if (mark !== undefined && typeof wanted === 'boolean') selection[mark] = wanted
    else if (key === 'ids' && Array.isArray(wanted)) selection.ids = wanted.map(String)
    else throw new TypeError(`not a way to select messages: ${key}`)
  }
  return selection
}

/** @throws TypeError for what is no answer */
export function readAnswerOf(value: JsonValue): QueueAnswer {
  if (!isObject(value)) throw new TypeError('not an answer')
  const { what, applied, scopes } = value
  if (what === 'applied' && isObject(applied)) {
    const { count, ids, missing } = applied
    if (typeof count !== 'number') throw new TypeError('not an answer')
    const gone = textsOf(missing)
    const known = { count, ids: textsOf(ids), ...(gone.length === 0 ? {} : { missing: gone }) }
    return { what, applied: known, ...absentIn(value) }
  }
  if (what !== 'pauses' || !Array.isArray(scopes)) throw new TypeError('not an answer')
  return { what, scopes: scopes.flatMap((scope) => readScope(scope) ?? []) }
}

function textsOf(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.map(String) : []
}

function absentIn({ absent }: JsonObject): { readonly absent?: readonly number[] } {
  return Array.isArray(absent) && absent.length > 0 ? { absent: absent.map(Number) } : {}
}
