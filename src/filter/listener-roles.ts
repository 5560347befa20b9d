/** What the role of a listener says of its settings: more than the section `receiver`, less than the listener's own. */
import type { JsonObject } from '../mail/json.ts'
import type { ListenerRole } from '../smtp/policy.ts'

/** RFC 6409 §4.3, §8: who submits mail logs in, and may leave to us what the header lacks. */
const submission: JsonObject = { auth: 'required', complete_header: true, prdr: false }

/** Who reads mail logs in; of the section only what concerns logins and names is meant. */
const reading: JsonObject = { auth: 'required' }

/** Packets have no commands: nobody can begin TLS or log in by one. */
const packets: JsonObject = { auth: 'off', starttls: 'off', prdr: false }

/** One packet, one answer: who may relay by it cannot send a long list in parts. */
const onePacket: JsonObject = { ...packets, max_recipients: 20_000 }

const presets: { readonly [R in ListenerRole]: JsonObject } = {
  mx: {},
  submission,
  smtps: submission,
  lmtp: {},
  qmtp: packets,
  qmqp: onePacket,
  pop3: reading,
  pop3s: reading,
}

export function presetsOf(role: ListenerRole): JsonObject {
  return presets[role]
}
