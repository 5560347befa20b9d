/**
 * What strangers are shown in place of the secret that a user has: made of their name and a key of ours, so that it is
 * the same each time, and modelled on the last secret that a back end gave, so that it looks and lasts like a real one.
 * Nobody can log in with it.
 */
import { hmacSha256, scramKeys, type LoginSecret, type ScramKeys } from '../mail/login-secret.ts'

/** RFC 7677 §4. */
const iterations = 4_096
const saltBytes = 16

export class StandIn {
  readonly #key: Uint8Array
  /** The last stored keys; `undefined` while back ends give passwords. */
  #model: Pick<ScramKeys, 'salt' | 'iterations'> | undefined

  /** @param key known to nobody else; the same after a restart */
  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** The secret of a user whom nobody knows. */
  secretOf(user: string): LoginSecret {
    if (this.#model === undefined)
      return { password: this.#derived('password', user).toString('hex') }
    return {
      salt: this.#derived('salt', user).subarray(0, this.#model.salt.length),
      iterations: this.#model.iterations,
      storedKey: this.#derived('stored key', user),
      serverKey: this.#derived('server key', user),
    }
  }

  /** The keys that a login is held against. A password gets a salt of ours. */
  async keysOf(user: string, secret: LoginSecret): Promise<ScramKeys> {
    if (!('password' in secret)) return secret
    const salt = this.#derived('salt', user).subarray(0, saltBytes)
    return scramKeys(secret.password, { salt, iterations })
  }

  /** A back end gave a secret. */
  saw(secret: LoginSecret): void {
    this.#model = 'password' in secret ? undefined : secret
  }

  #derived(what: string, user: string): Buffer {
    return hmacSha256(this.#key, `${what}:${user}`)
  }
}
