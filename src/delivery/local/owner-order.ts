/** What a process of a mailbox owner's is told of one delivery; the message follows by itself. */
import { latin1Bytes, readable } from '../../formats/octets.ts'
import { parseJson, type JsonObject, type JsonValue } from '../../mail/json.ts'
import type { LocalAddress } from './local-address.ts'
import type { LocalDelivery } from './local-delivery.ts'

/** As on the command line of `postern local`, its environment included: text is UTF-8. */
export type OwnerOrder = Pick<
  LocalDelivery,
  'address' | 'defaultDelivery' | 'environment' | 'mostProcesses'
>

const parts = [
  'user',
  'home',
  'local',
  'dash',
  'extension',
  'host',
  'sender',
] as const satisfies readonly (keyof LocalAddress)[]

export function formatOrder(delivery: OwnerOrder): Uint8Array {
  const { address, defaultDelivery, environment, mostProcesses } = delivery
  const order: JsonObject = {
    address: parts.map((part) => text(address[part])),
    defaultDelivery: text(defaultDelivery),
    environment: [...environment].map((pair) => [...pair]),
    ...(mostProcesses === undefined ? {} : { mostProcesses }),
  }
  return Buffer.from(JSON.stringify(order))
}

/** @returns undefined for what is no order */
export function readOrder(bytes: Uint8Array): OwnerOrder | undefined {
  const value = parseJson(Buffer.from(bytes).toString())
  if (typeof value !== 'object' || value === null) return undefined
  const { address, defaultDelivery, environment, mostProcesses } = value as JsonObject
  if (!isWords(address) || address.length !== parts.length) return undefined
  if (typeof defaultDelivery !== 'string' || !Array.isArray(environment)) return undefined
  if (mostProcesses !== undefined && typeof mostProcesses !== 'number') return undefined
  const variables = new Map<string, string>()
  for (const pair of environment as readonly JsonValue[]) {
    if (!isWords(pair) || pair.length !== 2) return undefined
    const [name = '', content = ''] = pair
    variables.set(name, content)
  }
  const [user = '', home = '', local = '', dash = '', extension = '', host = '', sender = ''] =
    address
  return {
    address: { user, home, local, dash, extension, host, sender },
    defaultDelivery,
    environment: variables,
    ...(mostProcesses === undefined ? {} : { mostProcesses }),
  }
}

function text(octets: string): string {
  return readable(latin1Bytes(octets))
}

function isWords(value: JsonValue | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}
