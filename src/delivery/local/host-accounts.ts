/** The accounts of this host: /etc/passwd, and where the system has others too, what getent(1) says of them. */
import { isPosternError } from '../../mail/errors.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Disk } from '../../runtime/disk.ts'
import type { Programs } from '../../runtime/programs.ts'
import { parsePasswd, type Account } from './passwd.ts'

export interface HostAccountsParts {
  readonly disk: Disk
  readonly clock: Clock
  readonly programs: Programs
}

/** So long an answer holds, and so many are remembered. */
const rememberedMs = 60_000
const mostRemembered = 10_000
const getentMs = 5_000
const mostBytes = 64 << 10

export class HostAccounts {
  readonly #parts: HostAccountsParts
  #passwd: { readonly readAt: number; readonly accounts: ReadonlyMap<string, Account> } | undefined
  #elsewhere: boolean | undefined
  readonly #asked = new Map<
    string,
    { readonly at: number; readonly account: Account | undefined }
  >()

  constructor(parts: HostAccountsParts) {
    this.#parts = parts
  }

  /** @throws PosternError DISK_FAILED, PROGRAM_FAILED, ABORTED where getent does not answer */
  async find(name: string): Promise<Account | undefined> {
    const account = (await this.#inPasswd()).get(name)
    if (account !== undefined || !(await this.#hasOthers())) return account
    return this.#byGetent(name)
  }

  async #inPasswd(): Promise<ReadonlyMap<string, Account>> {
    const now = this.#parts.clock.now()
    if (this.#passwd === undefined || now - this.#passwd.readAt > rememberedMs) {
      const bytes = await this.#parts.disk.readFile('/etc/passwd')
      this.#passwd = { readAt: now, accounts: parsePasswd(bytes) }
    }
    return this.#passwd.accounts
  }

  /** Whether nsswitch.conf names a source of accounts beside files. */
  async #hasOthers(): Promise<boolean> {
    if (this.#elsewhere !== undefined) return this.#elsewhere
    this.#elsewhere = otherSources(await this.#nsswitch())
    return this.#elsewhere
  }

  async #nsswitch(): Promise<string> {
    try {
      return Buffer.from(await this.#parts.disk.readFile('/etc/nsswitch.conf')).toString('latin1')
    } catch (error) {
      if (isPosternError(error, 'NOT_FOUND')) return ''
      throw error
    }
  }

  async #byGetent(name: string): Promise<Account | undefined> {
    const { clock, programs } = this.#parts
    const known = this.#asked.get(name)
    if (known !== undefined && clock.now() - known.at < rememberedMs) return known.account
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
      const account = parsePasswd(outputs.get(1) ?? new Uint8Array()).get(name)
      if (this.#asked.size >= mostRemembered) this.#asked.clear()
      this.#asked.set(name, { at: clock.now(), account })
      return account
    } finally {
      timer.cancel()
    }
  }
}

/** Those that know the accounts of /etc/passwd, or none that receive mail. */
const fileSources = new Set(['files', 'compat', 'systemd'])

export function otherSources(nsswitch: string): boolean {
  const line = nsswitch.split('\n').find((each) => /^\s*passwd:/.test(each)) ?? ''
  const sources = line.replace(/^\s*passwd:/, '').replace(/\[[^\]]*\]|#.*/g, ' ')
  return sources.split(/\s+/).some((source) => source !== '' && !fileSources.has(source))
}
