/**
 * What `postern smtpd` says to the gateway before the dialogue: the variables that tcpserver and the rules of tcp.smtp
 * have set for its client. A netstring that holds `smtpd/1` and then NAME=VALUE, each ended by a NUL.
 */

/** As `smtp/preamble.ts` reads it. */
export type HandOverStep =
  | { readonly state: 'more' }
  | { readonly state: 'broken'; readonly problem: string }
  | { readonly state: 'done'; readonly usedBytes: number; readonly value: Variables }

export type Variables = ReadonlyMap<string, string>

const version = 'smtpd/1'
const maxBytes = 65_536
const maxVariables = 512
const namePattern = /^[A-Z_][A-Z0-9_]{0,127}$/

/** Variables of a shell or a terminal, that mean nothing to mail. */
const ofTheShell =
  /^(?:_|PATH|HOME|PWD|OLDPWD|SHELL|SHLVL|TERM|USER|LOGNAME|MAIL|LANG|LANGUAGE|LC_.*|LS_COLORS|XDG_.*|SSH_.*|SUDO_.*|DBUS_.*|NODE_.*|POSTERN_.*)$/

/** What of an environment is handed over. */
export function variablesToHandOver(environment: {
  readonly [name: string]: string | undefined
}): Variables {
  const variables = new Map<string, string>()
  for (const [name, value] of Object.entries(environment)) {
    if (value !== undefined && namePattern.test(name) && !ofTheShell.test(name)) {
      variables.set(name, value)
    }
  }
  return variables
}

/** @returns undefined where it is more than the gateway would read */
export function formatHandOver(variables: Variables): Buffer | undefined {
  const items = [version, ...[...variables].map(([name, value]) => `${name}=${value}`)]
  const body = Buffer.from(items.map((item) => `${item}\0`).join(''))
  if (body.length > maxBytes || variables.size > maxVariables) return undefined
  return Buffer.concat([Buffer.from(`${body.length}:`), body, Buffer.from(',')])
}

/** @param bytes all that came so far */
export function parseHandOver(bytes: Buffer): HandOverStep {
  const colon = bytes.subarray(0, String(maxBytes).length + 1).indexOf(':')
  const digits = bytes.toString('latin1', 0, Math.max(colon, 0))
  if (colon === -1) {
    const begun = /^\d{0,5}$/.test(bytes.toString('latin1', 0, 6))
    return begun ? { state: 'more' } : broken('no variables are handed over')
  }
  if (!/^[1-9]\d*$/.test(digits) || Number(digits) > maxBytes) return broken('of no right length')
  const end = colon + 1 + Number(digits)
  if (bytes.length <= end) return { state: 'more' }
  if (bytes[end] !== 0x2c) return broken('longer than it said')
  const value = readVariables(bytes.toString('utf8', colon + 1, end))
  return value === undefined
    ? broken('malformed variables')
    : { state: 'done', usedBytes: end + 1, value }
}

const broken = (problem: string): HandOverStep => ({ state: 'broken', problem })

function readVariables(body: string): Variables | undefined {
  const [first, ...items] = body.split('\0')
  if (first !== version || items.pop() !== '' || items.length > maxVariables) return undefined
  const variables = new Map<string, string>()
  for (const item of items) {
    const equals = item.indexOf('=')
    const name = item.slice(0, Math.max(equals, 0))
    if (!namePattern.test(name)) return undefined
    variables.set(name, item.slice(equals + 1))
  }
  return variables
}
