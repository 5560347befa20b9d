/**
 * A record as JSON. One is written for every message: by hand, and what is the same for all messages of a session only once.
 */
import { quoted, quotedList } from './json-text.ts'
import type { TraceDetail, TraceHead, TraceTimes } from './trace-record.ts'

/** What changes with a greeting, a login or TLS, and not with a message. */
const sessionKeys = [
  'session',
  'chain',
  'listener',
  'remote',
  'hostname',
  'environment',
  'hello',
  'user',
  'tls',
] as const satisfies readonly (keyof TraceHead)[]

/** What most records do not have. */
const rareKeys = [
  'failedLogin',
  'receiver',
  'forwarded',
  'each',
  'placements',
  'thresholds',
  'replies',
  'score',
  'objection',
  'shadows',
  'ruled',
  'lost',
] as const satisfies readonly (keyof TraceHead)[]

type SessionKey = (typeof sessionKeys)[number]
type UsualKey = Exclude<keyof TraceHead, SessionKey | (typeof rareKeys)[number]>

/** The sessions' own part of their records. */
export class SessionJson {
  #of: { readonly [K in SessionKey]?: string | undefined } = {}
  #json = ''

  /** @returns members with a comma before each */
  of(head: TraceHead): string {
    const last = this.#of
    // One by one: a loop over the names would cost as much as to write them again.
    const isSame =
      head.hello === last.hello &&
      head.environment === last.environment &&
      head.user === last.user &&
      head.tls === last.tls &&
      head.session === last.session &&
      head.chain === last.chain &&
      head.listener === last.listener &&
      head.hostname === last.hostname &&
      head.remote === last.remote
    if (isSame) return this.#json
    const { hello, environment, user, tls, session, chain, listener, hostname, remote } = head
    this.#of = { hello, environment, user, tls, session, chain, listener, hostname, remote }
    this.#json = ''
    for (const key of sessionKeys) {
      const value = head[key]
      if (value !== undefined) this.#json += `,"${key}":${quoted(value)}`
    }
    return this.#json
  }
}

export function headJson(head: TraceHead, { at, endedAt }: TraceTimes, own: SessionJson): string {
  const usual = `{"version":${head.version},"id":${quoted(head.id)},"at":${at},"endedAt":${endedAt}`
  return `${usual}${own.of(head)}${usualMembers(head)}${rareMembers(head)}}`
}

export function detailJson({ steps, facts }: TraceDetail): string {
  const more = facts === undefined ? '' : `,"facts":${JSON.stringify(facts)}`
  return `{"steps":${steps}${more}}`
}

function usualMembers(head: Pick<TraceHead, UsualKey>): string {
  const { recipients, stage, end, reversePath, sizeBytes, reply, queueIds, messageId, reasons } =
    head
  let json = ',"recipients":['
  for (const [index, [address, accepted, ruled]] of recipients.entries()) {
    if (index > 0) json += ','
    json += `[${quoted(address)},${accepted}${ruled === undefined ? '' : `,${quoted(ruled)}`}]`
  }
  json += `],"stage":"${stage}","end":"${end}"`
  if (reversePath !== undefined) json += `,"reversePath":${quoted(reversePath)}`
  if (sizeBytes !== undefined) json += `,"sizeBytes":${sizeBytes}`
  if (reply !== undefined) json += `,"reply":[${reply[0]},${quoted(reply[1])},${quoted(reply[2])}]`
  if (queueIds !== undefined) json += `,"queueIds":${quotedList(queueIds)}`
  if (messageId !== undefined) json += `,"messageId":${quoted(messageId)}`
  if (reasons !== undefined) json += `,"reasons":${quotedList(reasons)}`
  return json
}

function rareMembers(head: TraceHead): string {
  let json = ''
  for (const key of rareKeys) {
    const value = head[key]
    if (value !== undefined) json += `,"${key}":${JSON.stringify(value)}`
  }
  return json
}
