import type { Clock } from '../../runtime/clock.ts'

/** From a login to its session: the gateway asks at once. */
const freshMs = 30_000
/** More logins than can be under way. */
const most = 1000

/** Logins that checkpassword programs have taken, each good for one session with the mail of that user. */
export class RecentLogins {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  /** When each was taken, the oldest first. */
  readonly #taken = new Map<string, number>()

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** @param input as checkpassword reads it: `user NUL password NUL …` */
  note(input: Uint8Array): void {
    const user = nameIn(input)
    this.#taken.delete(user)
    this.#taken.set(user, this.#clock.monotonicMs())
    const [oldest] = this.#taken.keys()
    if (this.#taken.size > most && oldest !== undefined) this.#taken.delete(oldest)
  }

  /** @returns whether there was one; it is used up */
  take(user: string): boolean {
    const at = this.#taken.get(user)
    this.#taken.delete(user)
    return at !== undefined && this.#clock.monotonicMs() - at < freshMs
  }
}

function nameIn(input: Uint8Array): string {
  const end = input.indexOf(0)
  return Buffer.from(input.subarray(0, end < 0 ? undefined : end)).toString()
}
