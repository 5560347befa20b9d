/**
 * A new key for DKIM: the private half into a file of its own, readable for its owner alone, the public half as the DNS
 * record that publishes it (RFC 6376 §3.6, RFC 8463). Never overwrites a key: mail that it has signed is on its way.
 */
import { generateKeyPair, type KeyObject } from 'node:crypto'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import { isDomain } from '../mail/domain.ts'
import type { Disk } from '../runtime/disk.ts'
import { exists } from '../runtime/missing.ts'

export const keyTypes = ['rsa', 'ed25519'] as const
export type KeyType = (typeof keyTypes)[number]

export interface NewKey {
  /** The folder of the configuration. */
  readonly config: string
  readonly domain: string
  /** By default `default` for RSA and `ed25519` for Ed25519: what the plugin `dkim-sign` looks for. */
  readonly selector?: string
  readonly type: KeyType
}

export interface MadeKey {
  readonly path: string
  /** `selector._domainkey.domain` */
  readonly name: string
  /** The text of the TXT record. */
  readonly record: string
}

/** Signatures by RSA keys of this length fit into DNS answers, and everybody verifies them (RFC 8301 §3.2). */
const rsaBits = 2048

const makeKeyPair = promisify(generateKeyPair)

/** @throws Error on a domain or selector that is none, or where there is a key already; PosternError DISK_FAILED */
export async function makeDkimKey(
  disk: Disk,
  { config, domain: written, type, ...request }: NewKey,
): Promise<MadeKey> {
  const domain = written.toLowerCase()
  const { selector = type === 'rsa' ? 'default' : 'ed25519' } = request
  if (!isDomain(domain)) throw new Error(`${written} is no domain`)
  if (!isDomain(selector)) throw new Error(`${selector} is no selector`)
  const { privateKey, publicKey } =
    type === 'rsa'
      ? await makeKeyPair('rsa', { modulusLength: rsaBits })
      : await makeKeyPair('ed25519')
  const path = resolve(config, 'dkim', domain, selector)
  await writeKey(disk, path, privateKey)
  return { path, name: `${selector}._domainkey.${domain}`, record: recordOf(publicKey) }
}

async function writeKey(disk: Disk, path: string, key: KeyObject): Promise<void> {
  await disk.makeDirectory(dirname(path))
  if (await exists(disk, path)) {
    throw new Error(`${path} is there already; choose another selector`)
  }
  const file = await disk.open(path, 'create')
  try {
    await file.write([Buffer.from(key.export({ type: 'pkcs8', format: 'pem' }))], 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.syncDirectory(dirname(path))
}

/** What is published of a key; Ed25519 keys without their wrapping (RFC 8463 §4). */
function recordOf(key: KeyObject): string {
  const bytes = key.export({ type: 'spki', format: 'der' })
  const rsa = key.asymmetricKeyType === 'rsa'
  const published = rsa ? bytes : bytes.subarray(-32)
  return `v=DKIM1; k=${rsa ? 'rsa' : 'ed25519'}; p=${published.toString('base64')}`
}

/** As a line of a zone file: a string holds 255 octets (RFC 1035 §3.3.14). */
export function zoneLine({ name, record }: Pick<MadeKey, 'name' | 'record'>): string {
  const strings = record.match(/.{1,250}/g) ?? []
  return `${name}. IN TXT ( ${strings.map((text) => `"${text}"`).join('\n  ')} )`
}
