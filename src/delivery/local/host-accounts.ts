/** The accounts of this host: /etc/passwd, and where the system has others too, what getent(1) says of them. */
import { latin1 } from '../../formats/octets.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Disk } from '../../runtime/disk.ts'
import { unlessMissing } from '../../runtime/missing.ts'
import type { Programs } from '../../runtime/programs.ts'
import { parsePasswd, type Account } from './passwd.ts'

export interface HostAccountsParts {
  readonly disk: Pick<Disk, 'readFile'>
  readonly clock: Pick<Clock, 'now' | 'after'>
  readonly programs: Pick<Programs, 'run'>
}

/** So long an answer holds, and so many are remembered. */
const rememberedMs = 60_000
const mostRemembered = 10_000
const getentMs = 5_000
const mostBytes = 64 << 10

export class HostAccounts {
  readonly #parts: HostAccountsParts
  #passwd: (Listed & { readonly readAt: number }) | undefined
  #elsewhere: boolean | undefined
  readonly #asked = new Map<string, Listed & { readonly at: number }>()

  constructor(parts: HostAccountsParts) {
    this.#parts = parts
  }

  /** @throws PosternError DISK_FAILED, PROGRAM_FAILED, ABORTED where getent does not answer */
  async find(name: string): Promise<Account | undefined> {
    const account = (await this.#inPasswd()).accounts.get(name)
    if (account !== undefined || !(await this.#hasOthers())) return account
    return (await this.#byGetent(name)).accounts.get(name)
  }

  /** The first account of this number. @throws as `find` */
  async withUid(uid: number): Promise<Account | undefined> {
    const account = first(await this.#inPasswd(), uid)
    if (account !== undefined || !(await this.#hasOthers())) return account
    return first(await this.#byGetent(String(uid)), uid)
  }

  /** Whether there is an account of this name, though it be none that could be used: without a home, say. @throws as `find` */
  async knows(name: string): Promise<boolean> {
    if (hasLineOf(await this.#inPasswd(), name)) return true
    return (await this.#hasOthers()) && hasLineOf(await this.#byGetent(name), name)
  }

  async #inPasswd(): Promise<Listed> {
    const now = this.#parts.clock.now()
    if (this.#passwd === undefined || now - this.#passwd.readAt > rememberedMs) {
      this.#passwd = { readAt: now, ...listed(await this.#parts.disk.readFile('/etc/passwd')) }
    }
    return this.#passwd
  }

  /** Whether nsswitch.conf names a source of accounts beside files. */
  async #hasOthers(): Promise<boolean> {
    if (this.#elsewhere !== undefined) return this.#elsewhere
    this.#elsewhere = otherSources(await this.#nsswitch())
    return this.#elsewhere
  }

  async #nsswitch(): Promise<string> {
    const bytes = await unlessMissing(this.#parts.disk.readFile('/etc/nsswitch.conf'))
    return Buffer.from(bytes ?? []).toString('latin1')
  }

  async #byGetent(name: string): Promise<Listed> {
    const { clock, programs } = this.#parts
    const known = this.#asked.get(name)
    if (known !== undefined && clock.now() - known.at < rememberedMs) return known
    const controller = new AbortController()
    const timer = clock.after(getentMs, () => controller.abort())
    try {
      const { outputs } = await programs.run(
        {
          command: ['getent', 'passwd', '--', name],
          environment: new Map([['PATH', '/usr/bin:/bin']]),
          outputs: new Map([[1, mostBytes]]),
        },
        controller.signal,
      )
      const answer = { at: clock.now(), ...listed(outputs.get(1) ?? new Uint8Array()) }
      if (this.#asked.size >= mostRemembered) this.#asked.clear()
      this.#asked.set(name, answer)
      return answer
    } finally {
      timer.cancel()
    }
  }
}

/** Accounts, as /etc/passwd or getent(1) has them. */
interface Listed {
  readonly accounts: ReadonlyMap<string, Account>
  /** From one line end to the next. */
  readonly text: string
}

function listed(bytes: Uint8Array): Listed {
  return { accounts: parsePasswd(bytes), text: `\n${latin1(bytes)}` }
}

function first({ accounts }: Listed, uid: number): Account | undefined {
  return accounts.values().find((account) => account.uid === uid)
}

function hasLineOf({ text }: Listed, name: string): boolean {
  return text.includes(`\n${name}:`)
}

/** Those that know the accounts of /etc/passwd, or none that receive mail. */
const fileSources = new Set(['files', 'compat', 'systemd'])

export function otherSources(nsswitch: string): boolean {
  const line = nsswitch.split('\n').find((each) => /^\s*passwd:/.test(each)) ?? ''
  const sources = line.replace(/^\s*passwd:/, '').replace(/\[[^\]]*\]|#.*/g, ' ')
  return sources.split(/\s+/).some((source) => source !== '' && !fileSources.has(source))
}
