/**
 * A login: entries with an opinion on it first (throttles, rules), then the back ends that may know the
 * user. One yes is enough, nobody's yes means no. A back end that cannot answer is no objection as long
 * as another one knows the user.
 */
import type { Environment } from '../mail/environment.ts'
import { isPasswordOf, type LoginSecret } from '../mail/login-secret.ts'
import { after, type MaybePromise } from '../mail/maybe-promise.ts'
import type { Session } from '../mail/session.ts'
import { reject } from '../plugin/verdict.ts'
import type { AuthAttempt, AuthMechanism } from '../smtp/policy.ts'
import type { AskedPlace, Entry, Events } from './entry.ts'
import { askInOrder } from './in-order.ts'
import type { Inquiry } from './inquiry.ts'
import type { StandIn } from './stand-in.ts'
import { asObjection, objectionOf, type Objection } from './step.ts'

export const noSuchLogin: Objection = Object.freeze(
  reject('5.7.8', 'Authentication credentials invalid', { reason: 'NOT_VOUCHED' }),
)

/** Which mechanisms an enabled back end can answer: the conversations want abilities of their own. */
export function answerable(entries: readonly Entry[]): readonly AuthMechanism[] {
  const can = (...abilities: readonly ('verify' | 'secretFor' | 'checkResponse')[]): boolean =>
    entries.some(
      ({ instance, shadow }) =>
        !shadow && abilities.some((ability) => instance[ability] !== undefined),
    )
  return [
    ...(can('verify', 'secretFor') ? (['PLAIN', 'LOGIN'] as const) : []),
    ...(can('checkResponse') ? (['CRAM-MD5'] as const) : []),
    ...(can('secretFor') ? (['SCRAM-SHA-256'] as const) : []),
  ]
}

/** The entries with an opinion, before any back end. @returns the objection, if there is one */
export function askAboutLogin(
  inquiry: Inquiry,
  { session, mechanism, user }: Events['auth'],
): MaybePromise<Objection | undefined> {
  const places = inquiry.generation.places.auth
  return after(askInOrder(inquiry, { places, event: { session, mechanism, user } }), (step) =>
    step === undefined ? undefined : asObjection(step.verdict),
  )
}

/** PLAIN, LOGIN and CRAM-MD5, of which everything is known. @returns the objection, if the login is refused */
export function askBackEnds(
  inquiry: Inquiry,
  attempt: Exclude<AuthAttempt, { readonly mechanism: 'SCRAM-SHA-256' }>,
  standIn: StandIn,
): MaybePromise<Objection | undefined> {
  const { places } = inquiry.generation
  const { session, user } = attempt
  if (attempt.mechanism === 'CRAM-MD5') {
    const { challenge, digest } = attempt
    const event = { session, user, challenge, digest }
    return after(askEach(inquiry, { places: places.checkResponse, event }), refusalOf)
  }
  const { password } = attempt
  const event = { session, user, password }
  return after(askEach(inquiry, { places: places.verify, event }), (answer) => {
    // Those that verify themselves have spoken; of the others the secret is asked.
    const others = places.secretFor.filter(({ entry }) => entry.instance.verify === undefined)
    if (answer === 'known' || others.length === 0) return refusalOf(answer)
    return askSecrets(inquiry, others, { session, user, password, standIn }, answer)
  })
}

async function askSecrets(
  inquiry: Inquiry,
  places: readonly AskedPlace<'secretFor'>[],
  login: { session: Session; user: string; password: string; standIn: StandIn },
  before: Unknown,
): Promise<Objection | undefined> {
  const { user, password, standIn } = login
  const found = await findSecret(inquiry, places, login)
  // For a stranger the same is done as for a user: neither the answer nor its time tells who exists.
  const secret = found.secret ?? standIn.secretOf(user)
  const fits = await isPasswordOf(secret, password)
  return fits && found.secret !== undefined
    ? undefined
    : (before.fault ?? found.fault ?? noSuchLogin)
}

export interface FoundSecret {
  readonly secret?: LoginSecret
  /** Of a back end that could not answer, where no other knew the user. */
  readonly fault?: Objection
}

/** The secret of the first back end that knows the user. */
export async function findSecret(
  inquiry: Inquiry,
  places: readonly AskedPlace<'secretFor'>[],
  { session, user, standIn }: { session: Session; user: string; standIn: StandIn },
): Promise<FoundSecret> {
  let secret: LoginSecret | undefined
  const answer = await askEach(inquiry, {
    places,
    // What an entry hands over counts only if its answer does.
    eventFor: () => {
      secret = undefined
      return { session, user, keep: (kept) => (secret = kept) }
    },
  })
  if (answer !== 'known') return answer
  if (secret === undefined) return {}
  standIn.saw(secret)
  return { secret }
}

/** Nobody knows the user; with a fault, somebody could not say. */
interface Unknown {
  readonly fault?: Objection
}

type Answer = 'known' | Unknown

type LoginQuestion = 'verify' | 'secretFor' | 'checkResponse'

type Round<Q extends LoginQuestion> = { readonly places: readonly AskedPlace<Q>[] } & (
  | { readonly event: Events[Q] }
  | { readonly eventFor: () => Events[Q] }
)

/** One back end after the other, until one says yes. */
function askEach<Q extends LoginQuestion>(
  inquiry: Inquiry,
  round: Round<Q>,
  from = 0,
  fault?: Objection,
): MaybePromise<Answer> {
  const place = round.places[from]
  if (place === undefined || inquiry.ended) return fault === undefined ? {} : { fault }
  const next = (known?: Objection) => askEach(inquiry, round, from + 1, fault ?? known)
  if (inquiry.judge(place.entry, place.question) === false) return next()
  const event = 'event' in round ? round.event : round.eventFor()
  return after(inquiry.ask(place, event), (step) =>
    !place.entry.shadow && step.verdict.verdict === 'accept' ? 'known' : next(objectionOf(step)),
  )
}

function refusalOf(answer: Answer): Objection | undefined {
  return answer === 'known' ? undefined : (answer.fault ?? noSuchLogin)
}

const setPrefix = 'AUTH_SET_'
const unsetPrefix = 'AUTH_UNSET_'

/** The environment of a session after its login: `AUTH_SET_X` sets X, `AUTH_UNSET_X` takes it away. */
export function environmentAfterLogin(environment: Environment): Environment {
  const { variables, source } = environment
  const changes = [...variables].filter(([name]) => isChange(name))
  if (changes.length === 0) return environment
  const changed = new Map([...variables].filter(([name]) => !isChange(name)))
  for (const [name, value] of changes) {
    if (name.startsWith(setPrefix)) changed.set(name.slice(setPrefix.length), value)
    else changed.delete(name.slice(unsetPrefix.length))
  }
  return { variables: changed, source: `${source} after login` }
}

function isChange(name: string): boolean {
  return name.startsWith(setPrefix) || name.startsWith(unsetPrefix)
}
