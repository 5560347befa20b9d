/**
 * What strangers are shown in place of the secret that a user has: made of their name and a key of ours, so that it is
 * the same each time, and modelled on secrets that back ends gave, so that it looks and lasts like a real one. Where real
 * ones differ, a name is always shown the same kind. Nobody can log in with it.
 */
import {
  hmacSha256,
  scramIterations,
  scramKeys,
  type LoginSecret,
  type ScramKeys,
} from '../mail/login-secret.ts'

const saltBytes = 16

/** What can be seen of a secret: of a password nothing. */
interface Model {
  readonly saltBytes: number
  readonly iterations: number
}

/** As `postern user` makes them. */
const own: Model = { saltBytes, iterations: scramIterations }
const mostModels = 8

export class StandIn {
  readonly #key: Uint8Array
  /** Kinds of secrets that were given, each once, in the order of what they say. */
  #models: readonly (Model | undefined)[] = [own]
  #guessing = true

  /** @param key known to nobody else; the same after a restart */
  constructor(key: Uint8Array) {
    this.#key = key
  }

  /** The secret of a user whom nobody knows. */
  secretOf(user: string): LoginSecret {
    const model = this.#modelFor(user)
    if (model === undefined) return { password: this.#derived('password', user).toString('hex') }
    return {
      salt: this.#derived('salt', user).subarray(0, model.saltBytes),
      iterations: model.iterations,
      storedKey: this.#derived('stored key', user),
      serverKey: this.#derived('server key', user),
    }
  }

  /** The keys that a login is held against. A password gets a salt of ours. */
  async keysOf(user: string, secret: LoginSecret): Promise<ScramKeys> {
    if (!('password' in secret)) return secret
    const salt = this.#derived('salt', user).subarray(0, saltBytes)
    return scramKeys(secret.password, { salt, iterations: scramIterations })
  }

  /** A back end gave a secret. */
  saw(secret: LoginSecret): void {
    const seen = 'password' in secret ? undefined : modelOf(secret)
    if (!this.#guessing && this.#models.some((model) => isSame(model, seen))) return
    const others = this.#guessing ? [] : this.#models.slice(-(mostModels - 1))
    this.#guessing = false
    this.#models = [...others, seen].toSorted((one, other) => weightOf(one) - weightOf(other))
  }

  #modelFor(user: string): Model | undefined {
    const draw = this.#derived('model', user).readUInt32BE()
    return this.#models[draw % this.#models.length]
  }

  #derived(what: string, user: string): Buffer {
    return hmacSha256(this.#key, `${what}:${user}`)
  }
}

function modelOf({ salt, iterations }: ScramKeys): Model {
  return { saltBytes: salt.length, iterations }
}

function isSame(one: Model | undefined, other: Model | undefined): boolean {
  return one?.saltBytes === other?.saltBytes && one?.iterations === other?.iterations
}

/** Salts have at most 256 bytes. */
function weightOf(model: Model | undefined): number {
  return model === undefined ? 0 : model.iterations * 1_000 + model.saltBytes
}
