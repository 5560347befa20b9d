/** What the commands of the quarantine ask for, as it goes over the control socket. */
import { isObject } from '../control/control-lines.ts'
import { parseMailbox } from '../mail/address.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import type { HeldDetails, Learned, Lesson, QuarantineDesk } from '../quarantine/desk.ts'
import { readHeldMessage, type HeldMessage } from '../quarantine/held-message.ts'
import type { Search } from '../quarantine/search.ts'

export type QuarantineRequest =
  | { readonly what: 'find'; readonly search: Search; readonly limit: number }
  | { readonly what: 'show'; readonly id: string }
  /** `everybody`: every copy of the messages that are meant. */
  | {
      readonly what: 'release' | 'remove'
      readonly search: Search
      readonly everybody: boolean
    }
  /** For one of those for whom it is held. */
  | {
      readonly what: 'release-for' | 'remove-for'
      readonly id: string
      readonly recipient: string
    }
  | { readonly what: 'copy'; readonly search: Search; readonly to: string }
  | { readonly what: 'learn'; readonly search: Search; readonly as: Lesson }

export interface QuarantineAnswer {
  /** How many messages were found, or changed. */
  readonly count: number
  /** The first of them. */
  readonly held: readonly HeldMessage[]
  readonly details?: HeldDetails
  readonly learned?: readonly Learned[]
}

/** An answer is one line of at most 4 MB. */
const mostInAnswer = 2_000

/** @throws PosternError what the queue throws */
export async function answerQuarantine(
  desk: QuarantineDesk,
  request: QuarantineRequest,
): Promise<QuarantineAnswer> {
  switch (request.what) {
    case 'find':
      return listed(await desk.find(request.search, Math.min(request.limit, mostInAnswer)))
    case 'show': {
      const details = await desk.show(request.id)
      return details === undefined ? listed([]) : { ...listed([details.held]), details }
    }
    case 'release':
    case 'remove': {
      const { search, everybody, what } = request
      const meant = everybody ? await desk.withCopies(search) : search
      return listed(what === 'release' ? await desk.release(meant) : await desk.remove(meant))
    }
    case 'release-for':
    case 'remove-for': {
      const to = request.what === 'release-for' ? 'release' : 'remove'
      return listed(await desk.decideFor(request.id, request.recipient, to))
    }
    case 'copy': {
      const to = parseMailbox(request.to, { smtputf8: true })
      if (to === undefined) throw new Error(`${request.to} is not an address`)
      return listed(await desk.copy(request.search, to))
    }
    case 'learn': {
      const learned = await desk.learn(request.search, request.as)
      const ids = new Set(learned.map(({ id }) => id))
      return { count: ids.size, held: [], learned: learned.slice(0, mostInAnswer) }
    }
  }
}

function listed(held: readonly HeldMessage[]): QuarantineAnswer {
  return { count: held.length, held: held.slice(0, mostInAnswer) }
}

/** Without the keys that are absent. */
export function asJson(value: QuarantineRequest | QuarantineAnswer): JsonValue {
  return JSON.parse(JSON.stringify(value))
}

/** @throws TypeError for what is no request: another version may have asked */
export function readQuarantineRequest(value: JsonValue): QuarantineRequest {
  if (!isObject(value)) throw new TypeError('not a request')
  const { what, id, limit, everybody, to, as, recipient } = value
  if (what === 'show' && typeof id === 'string') return { what, id }
  if (what === 'release-for' || what === 'remove-for') {
    if (typeof id !== 'string' || typeof recipient !== 'string') throw new TypeError('for whom?')
    return { what, id, recipient }
  }
  const search = readSearch(value['search'])
  if (what === 'find' && typeof limit === 'number') return { what, search, limit }
  if (what === 'release' || what === 'remove') {
    return { what, search, everybody: everybody === true }
  }
  if (what === 'copy' && typeof to === 'string') return { what, search, to }
  if (what === 'learn' && (as === 'ham' || as === 'spam')) return { what, search, as }
  throw new TypeError('not a request')
}

const texts = ['sender', 'recipient', 'subject', 'reason', 'entry'] as const
const instants = ['before', 'after'] as const

/** An unknown key would select more than is meant. */
function readSearch(value: JsonValue | undefined): Search {
  if (!isObject(value)) throw new TypeError('not a search')
  const search: { -readonly [K in keyof Search]: Search[K] } = {}
  for (const [key, wanted] of Object.entries(value)) {
    const text = texts.find((name) => name === key)
    const instant = instants.find((name) => name === key)
    if (text !== undefined && typeof wanted === 'string') search[text] = wanted
    else if (instant !== undefined && typeof wanted === 'number') search[instant] = wanted
    else if (key === 'ids' && Array.isArray(wanted)) search.ids = wanted.map(String)
    else throw new TypeError(`not a way to search: ${key}`)
  }
  return search
}

/** @throws TypeError for what is no answer */
export function readQuarantineAnswer(value: JsonValue): QuarantineAnswer {
  if (!isObject(value) || typeof value['count'] !== 'number') throw new TypeError('not an answer')
  const { count, learned } = value
  const details = isObject(value['details']) ? readDetails(value['details']) : undefined
  return {
    count,
    held: readList(value['held']),
    ...(details === undefined ? {} : { details }),
    ...(Array.isArray(learned) ? { learned: learned.flatMap(readLearned) } : {}),
  }
}

function readList(value: JsonValue | undefined): readonly HeldMessage[] {
  return Array.isArray(value) ? value.flatMap((each: JsonValue) => readHeldMessage(each) ?? []) : []
}

function readDetails({ held, evidence, header, siblings }: JsonObject): HeldDetails | undefined {
  const read = readHeldMessage(held)
  return read === undefined
    ? undefined
    : {
        held: read,
        evidence: isObject(evidence) ? evidence : {},
        header: typeof header === 'string' ? header : '',
        siblings: readList(siblings),
      }
}

function readLearned(value: JsonValue): readonly Learned[] {
  if (!isObject(value)) return []
  const { id, entry, problem } = value
  if (typeof id !== 'string' || typeof entry !== 'string') return []
  return [{ id, entry, ...(typeof problem === 'string' ? { problem } : {}) }]
}
