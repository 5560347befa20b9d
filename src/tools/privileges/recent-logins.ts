import type { Clock } from '../../runtime/clock.ts'

/** From a login to its session: the gateway asks at once. */
const freshMs = 30_000
/** More logins than can be under way. */
const most = 1000

/** Logins that checkpassword programs have taken, each good for one session with the mail of that user. */
export class RecentLogins {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  /** When each was taken, the oldest first: somebody may log in by several clients at once. */
  #taken: { readonly user: string; readonly at: number }[] = []

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock
  }

  /** @param input as checkpassword reads it: `user NUL password NUL …` */
  note(input: Uint8Array): void {
    this.#taken.push({ user: nameIn(input), at: this.#clock.monotonicMs() })
    if (this.#taken.length > most) this.#taken.shift()
  }

  /** @returns whether there was one; it is used up */
  take(user: string): boolean {
    const oldest = this.#clock.monotonicMs() - freshMs
    this.#taken = this.#taken.filter(({ at }) => at > oldest)
    const found = this.#taken.findIndex((each) => each.user === user)
    if (found >= 0) this.#taken.splice(found, 1)
    return found >= 0
  }
}

function nameIn(input: Uint8Array): string {
  const end = input.indexOf(0)
  return Buffer.from(input.subarray(0, end < 0 ? undefined : end)).toString()
}
