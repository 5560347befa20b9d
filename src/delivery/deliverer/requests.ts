/**
 * What the gateway may ask of the deliverer, and what it is told. Whoever asks may be in the hands of a stranger: reading
 * takes exactly these shapes, and nothing in them names a user id, a home, a path or a program that the deliverer has
 * not got from files which only root writes.
 */
import { parseJson, type JsonValue } from '../../mail/json.ts'
import type { UserAddress } from '../../runtime/deliverer.ts'
import type { ProgramEnd } from '../../runtime/programs.ts'

const version = 1

export type DelivererRequest =
  | ({ readonly ask: 'deliver' } & UserAddress)
  | {
      readonly ask: 'checkpassword'
      /** Must be one of the chain's, word for word. */
      readonly command: readonly [string, ...string[]]
      readonly environment: ReadonlyMap<string, string>
      /** For descriptor 3. */
      readonly input: Uint8Array
    }
  | {
      readonly ask: 'maildrop'
      /** Of a login that has just been taken. */
      readonly user: string
    }

export type DelivererAnswer =
  | { readonly end: ProgramEnd }
  /** Nothing was done. */
  | { readonly problem: string }

/** A longer address is nobody's. */
const mostAddress = 1024
const mostWords = 64
const mostWord = 1024
/** As checkpassword reads. */
const mostInput = 512

/** What a checkpassword program may be told of its client: other variables decide what a program does (LD_PRELOAD). */
export const toldVariables: ReadonlySet<string> = new Set([
  'PROTO',
  'TCPREMOTEIP',
  'TCPREMOTEPORT',
  'TCPREMOTEHOST',
  'TCPLOCALIP',
  'TCPLOCALPORT',
])

/** A program of root's may be a script that is careless with them: names, addresses and numbers, and nothing that a shell reads. */
const harmless = /^[0-9A-Za-z.:_%[\]-]{0,255}$/

export function mayBeTold(name: string, value: string): boolean {
  return toldVariables.has(name) && harmless.test(value)
}

export function formatRequest(request: DelivererRequest): Uint8Array {
  if (request.ask === 'deliver') {
    const { ask, local, host, sender } = request
    return json({ version, ask, local, host, sender })
  }
  if (request.ask === 'maildrop') return json({ version, ask: request.ask, user: request.user })
  const { ask, command, environment, input } = request
  return json({
    version,
    ask,
    command: [...command],
    environment: [...environment].map((pair) => [...pair]),
    input: Buffer.from(input).toString('base64'),
  })
}

/** @returns undefined for whatever is no request, to the last key */
export function readRequest(bytes: Uint8Array): DelivererRequest | undefined {
  const value = parseJson(Buffer.from(bytes).toString())
  if (!isObject(value) || value['version'] !== version) return undefined
  const { ask } = value
  const keys = Object.keys(value).length
  if (ask === 'deliver' && keys === 5) return readDelivery(value)
  if (ask === 'maildrop' && keys === 3) return readMaildrop(value)
  return ask === 'checkpassword' && keys === 5 ? readCheckpassword(value) : undefined
}

export function formatAnswer(answer: DelivererAnswer): Uint8Array {
  return json('end' in answer ? { end: { ...answer.end } } : answer)
}

export function readAnswer(bytes: Uint8Array): DelivererAnswer | undefined {
  const value = parseJson(Buffer.from(bytes).toString())
  if (!isObject(value)) return undefined
  const { end, problem } = value
  if (typeof problem === 'string') return { problem }
  if (!isObject(end)) return undefined
  const { exit, signal } = end
  if (typeof exit === 'number') return { end: { exit } }
  return typeof signal === 'string' ? { end: { signal } } : undefined
}

type Keys = { readonly [key: string]: JsonValue }

function readDelivery({ local, host, sender }: Keys): DelivererRequest | undefined {
  if (!isOctets(local) || !isOctets(host) || !isOctets(sender) || local === '') return undefined
  return { ask: 'deliver', local, host, sender }
}

function readMaildrop({ user }: Keys): DelivererRequest | undefined {
  return isWord(user) && user !== '' ? { ask: 'maildrop', user } : undefined
}

function readCheckpassword({ command, environment, input }: Keys): DelivererRequest | undefined {
  if (!Array.isArray(command) || !Array.isArray(environment) || typeof input !== 'string')
    return undefined
  const [program, ...args] = command.filter((word) => isWord(word))
  if (program === undefined || args.length + 1 !== command.length || args.length >= mostWords)
    return undefined
  const variables = new Map<string, string>()
  for (const pair of environment) {
    const [name, text] = Array.isArray(pair) && pair.length === 2 ? pair : []
    if (!isWord(name) || !isWord(text) || !mayBeTold(name, text)) return undefined
    variables.set(name, text)
  }
  const bytes = Buffer.from(input, 'base64')
  if (bytes.length > mostInput || bytes.toString('base64') !== input) return undefined
  return { ask: 'checkpassword', command: [program, ...args], environment: variables, input: bytes }
}

/** One character for each byte. */
function isOctets(value: JsonValue | undefined): value is string {
  if (typeof value !== 'string' || value.length > mostAddress) return false
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at)
    if (code === 0 || code > 0xff) return false
  }
  return true
}

function isWord(value: JsonValue | undefined): value is string {
  return typeof value === 'string' && value.length <= mostWord && !value.includes('\0')
}

function isObject(value: JsonValue | undefined): value is Keys {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function json(value: JsonValue): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}
