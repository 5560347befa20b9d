/** Keys by domain: files that are read when they are needed, so that a replaced key signs the next message. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { FileTemplate, Log } from 'postern/plugin'
import type { SigningKey } from './sign-header.ts'

/** Keys that are kept parsed; what a file holds is compared each time. */
const mostKept = 256
/** RFC 8301 §3.2. */
const leastBits = 1024

interface Kept {
  readonly bytes: Uint8Array
  readonly key: KeyObject
}

export class SigningKeys {
  readonly #log: Log
  readonly #kept = new Map<string, Kept>()

  constructor(log: Log) {
    this.#log = log
  }

  /**
   * One for each template whose file is there.
   * @throws Error on a file that holds no key: better no mail than mail that others take for forged
   */
  keysFor(domain: string, templates: readonly FileTemplate[]): readonly SigningKey[] {
    return templates.flatMap((template) => {
      const bytes = template.read(domain)
      if (bytes === undefined) return []
      const { pattern } = template
      return [{ domain, selector: selectorOf(pattern), key: this.#keyOf(bytes, pattern, domain) }]
    })
  }

  #keyOf(bytes: Uint8Array, pattern: string, domain: string): KeyObject {
    const name = `${pattern}\n${domain}`
    const kept = this.#kept.get(name)
    if (kept !== undefined && Buffer.compare(kept.bytes, bytes) === 0) return kept.key
    const key = parseSigningKey(bytes, pattern.replaceAll('%', domain))
    if (kept !== undefined) this.#log.info('dkim.key-replaced', { domain, pattern })
    this.#kept.delete(name)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size >= mostKept && oldest !== undefined) this.#kept.delete(oldest)
    this.#kept.set(name, { bytes: Uint8Array.from(bytes), key })
    return key
  }
}

/** The name of the file, as qmail-dk has it; without the ending that others give a key. */
function selectorOf(pattern: string): string {
  const name = pattern.slice(pattern.lastIndexOf('/') + 1)
  return name.replace(/\.(?:pem|key|private)$/, '')
}

/** @throws Error that names the file and nothing of what is in it */
function parseSigningKey(bytes: Uint8Array, path: string): KeyObject {
  const key = readKey(bytes, path)
  const type = key.asymmetricKeyType
  if (type !== 'rsa' && type !== 'ed25519') throw new Error(`${path} is neither RSA nor Ed25519`)
  const bits = key.asymmetricKeyDetails?.modulusLength ?? leastBits
  if (bits < leastBits) throw new Error(`${path} has ${bits} bits: nobody will accept it`)
  return key
}

function readKey(bytes: Uint8Array, path: string): KeyObject {
  try {
    return createPrivateKey(Buffer.from(bytes))
  } catch {
    throw new Error(`${path} holds no private key`)
  }
}
