/** The environment that a session has from its login on. */
import type { Environment } from '../mail/environment.ts'
import type { LoginVariables } from '../mail/login-secret.ts'

const setPrefix = 'AUTH_SET_'
const unsetPrefix = 'AUTH_UNSET_'

/** So many different logins under one environment are remembered; then from the start. */
const remembered = 1024

/** Equal environments stay one object, so that the options in force under them are resolved once. */
export class LoginEnvironments {
  readonly #known = new WeakMap<Environment, Map<string, Environment>>()

  /**
   * `AUTH_SET_X` sets X, `AUTH_UNSET_X` takes it away, and above both stands what the back end says of this very login.
   */
  after(before: Environment, login: LoginVariables = new Map()): Environment {
    const known = this.#known.get(before) ?? new Map<string, Environment>()
    this.#known.set(before, known)
    const key = login.size === 0 ? '' : JSON.stringify([...login])
    const found = known.get(key)
    if (found !== undefined) return found
    if (known.size >= remembered) known.clear()
    const made = environmentAfter(before, login)
    known.set(key, made)
    return made
  }
}

function environmentAfter(before: Environment, login: LoginVariables): Environment {
  const { variables, source } = before
  const changes = [...variables].filter(([name]) => isChange(name))
  if (changes.length === 0 && login.size === 0) return before
  const changed = new Map([...variables].filter(([name]) => !isChange(name)))
  for (const [name, value] of changes) {
    if (name.startsWith(setPrefix)) changed.set(name.slice(setPrefix.length), value)
    else changed.delete(name.slice(unsetPrefix.length))
  }
  for (const [name, value] of login) changed.set(name, value)
  return { variables: changed, source: `${source} after login` }
}

function isChange(name: string): boolean {
  return name.startsWith(setPrefix) || name.startsWith(unsetPrefix)
}
