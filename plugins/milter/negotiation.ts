/** What both sides agree on before the session: which steps the milter wants to see and answer (SMFIC_OPTNEG). */
import type { Peer } from '../shared/peer/peer.ts'
import { commands, packet, readPacket, type Command } from './packet.ts'

const version = 6
/** SMFIF_*: every change but that of the body, which is refused when it comes: many milters ask for it that never use it. */
const allActions = 0x1ff

/** SMFIP_NO*: steps that the milter does not want to see. */
const unwanted: ReadonlyMap<Command, number> = new Map([
  [commands.connect, 0x01],
  [commands.hello, 0x02],
  [commands.mail, 0x04],
  [commands.rcpt, 0x08],
  [commands.body, 0x10],
  [commands.header, 0x20],
  [commands.endOfHeader, 0x40],
  [commands.data, 0x200],
])

/** SMFIP_NR_*: steps that it sees and does not answer. */
const unanswered: ReadonlyMap<Command, number> = new Map([
  [commands.header, 0x80],
  [commands.connect, 0x1000],
  [commands.hello, 0x2000],
  [commands.mail, 0x4000],
  [commands.rcpt, 0x8000],
  [commands.data, 0x10000],
  [commands.endOfHeader, 0x40000],
  [commands.body, 0x80000],
])

/** SMFIP_HDR_LEADSPC: header values with the blank after the colon, both ways. */
const leadingSpace = 0x100000
/** And SMFIP_SKIP, NOUNKNOWN, NR_UNKN; not RCPT_REJ: recipients that were refused are not shown. */
const offered =
  0x400 |
  0x100 |
  0x20000 |
  leadingSpace |
  [...unwanted.values(), ...unanswered.values()].reduce((all, bit) => all | bit, 0)

export interface Terms {
  wants(command: Command): boolean
  answers(command: Command): boolean
  readonly leadingSpace: boolean
}

/** @throws PosternError as `Peer`; PEER_FAILED where the milter wants more than there is */
export async function negotiate(peer: Peer): Promise<Terms> {
  await peer.send(packet(commands.negotiate, numbers(version, allActions, offered)))
  const { letter, data } = await readPacket(peer)
  if (letter !== commands.negotiate || data.length < 12) throw peer.fail('does not negotiate')
  const theirs = data.readUInt32BE(0)
  const actions = data.readUInt32BE(4)
  const protocol = data.readUInt32BE(8)
  if (theirs < 2 || theirs > version) throw peer.fail(`speaks version ${theirs}`)
  if ((actions & ~allActions) !== 0 || (protocol & ~offered) !== 0) {
    throw peer.fail('wants what is not offered')
  }
  const has = (bit: number | undefined): boolean => bit !== undefined && (protocol & bit) !== 0
  return {
    // Before version 4 there was no DATA.
    wants: (command) => !has(unwanted.get(command)) && (command !== commands.data || theirs > 3),
    answers: (command) => !has(unanswered.get(command)),
    leadingSpace: has(leadingSpace),
  }
}

function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4)
  return bytes
}
