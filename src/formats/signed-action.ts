/**
 * A link that stands in a mail: which held message, for whom, to do what, until when, signed with a key that only the
 * gateway has. The token proves that we wrote the link, not that a person follows it: programs that scan mail fetch
 * links, so whoever serves them asks for a confirmation first and acts only on that.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Instant } from '../mail/instant.ts'
import { parseJson, type JsonValue } from '../mail/json.ts'

export interface SignedAction {
  readonly action: 'release' | 'delete'
  /** Of the message, in the queue. */
  readonly id: string
  /** For whom it is held. */
  readonly recipient: string
  readonly expiresAt: Instant
}

export type ActionReading =
  | { readonly ok: true; readonly action: SignedAction }
  | { readonly ok: false; readonly problem: 'forged' | 'expired' }

const longest = 2000
const version = 'postern-action-1'

/** @param key at least 16 random bytes. @returns letters, digits, `-`, `_` and one dot */
export function signAction(key: Uint8Array, action: SignedAction): string {
  const { id, recipient, expiresAt } = action
  const payload = Buffer.from(JSON.stringify([action.action, id, recipient, expiresAt]))
  const text = payload.toString('base64url')
  return `${text}.${macOf(key, text).toString('base64url')}`
}

/** What a token says, if we wrote it and it is still good. Never throws. */
export function readAction(key: Uint8Array, token: string, now: Instant): ActionReading {
  const forged = { ok: false, problem: 'forged' } as const
  if (token.length > longest) return forged
  const dot = token.indexOf('.')
  const text = token.slice(0, Math.max(dot, 0))
  const given = Buffer.from(token.slice(dot + 1), 'base64url')
  const expected = macOf(key, text)
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return forged
  const action = payloadOf(text)
  if (action === undefined) return forged
  return action.expiresAt <= now ? { ok: false, problem: 'expired' } : { ok: true, action }
}

function macOf(key: Uint8Array, text: string): Buffer {
  return createHmac('sha256', key).update(`${version}.${text}`).digest()
}

function payloadOf(text: string): SignedAction | undefined {
  const value = parseJson(Buffer.from(text, 'base64url').toString())
  if (!Array.isArray(value)) return undefined
  const [action, id, recipient, expiresAt] = value as readonly JsonValue[]
  const known = action === 'release' || action === 'delete' ? action : undefined
  if (known === undefined || typeof expiresAt !== 'number') return undefined
  if (typeof id !== 'string' || typeof recipient !== 'string') return undefined
  return { action: known, id, recipient, expiresAt }
}
