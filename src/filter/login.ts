/**
 * A login: entries with an opinion on it first (throttles, rules), then the back ends that may know the
 * user. One yes is enough, nobody's yes means no. A back end that cannot answer is no objection as long
 * as another one knows the user.
 */
import type { Environment } from '../mail/environment.ts'
import { after, type MaybePromise } from '../mail/maybe-promise.ts'
import { reject } from '../plugin/verdict.ts'
import type { AuthAttempt } from '../smtp/policy.ts'
import type { Events } from './entry.ts'
import { askInOrder } from './in-order.ts'
import type { Inquiry } from './inquiry.ts'
import { asObjection, objectionOf, type Objection } from './step.ts'

const noSuchLogin: Objection = Object.freeze(
  reject('5.7.8', 'Authentication credentials invalid', { reason: 'NOT_VOUCHED' }),
)

/** @returns the objection, if the login is refused. */
export function askAboutLogin(
  inquiry: Inquiry,
  { session, mechanism, user, password }: AuthAttempt,
): MaybePromise<Objection | undefined> {
  const places = inquiry.generation.places.auth
  return after(askInOrder(inquiry, { places, event: { session, mechanism, user } }), (objection) =>
    objection === undefined
      ? askBackEnds(inquiry, { session, user, password })
      : asObjection(objection.verdict),
  )
}

function askBackEnds(
  inquiry: Inquiry,
  event: Events['verify'],
  from = 0,
  fault?: Objection,
): MaybePromise<Objection | undefined> {
  const place = inquiry.generation.places.verify[from]
  if (place === undefined || inquiry.ended) return fault ?? noSuchLogin
  const next = (known?: Objection) => askBackEnds(inquiry, event, from + 1, fault ?? known)
  if (inquiry.judge(place.entry, 'verify') === false) return next()
  return after(inquiry.ask(place, event), (step) =>
    !place.entry.shadow && step.verdict.verdict === 'accept' ? undefined : next(objectionOf(step)),
  )
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
