/**
 * A login: entries with an opinion on it first (throttles, rules), then the back ends that may know the
 * user. One yes is enough, nobody's yes means no. A back end that cannot answer is no objection as long
 * as another one knows the user.
 */
import { isPasswordOf, type LoginGrant, type LoginSecret } from '../mail/login-secret.ts'
import { after, type MaybePromise } from '../mail/maybe-promise.ts'
import type { Session } from '../mail/session.ts'
import type { LoginEnd } from '../plugin/plugin.ts'
import type { ObjectionRuling } from '../mail/ruling.ts'
import type { AuthAttempt, AuthRuling, LoginMechanism, SecretRequest } from '../smtp/policy.ts'
import { applies } from './applies.ts'
import type { AskedPlace, Entry, Events } from './entry.ts'
import { askInOrder } from './in-order.ts'
import type { Inquiry } from './inquiry.ts'
import { noSuchLogin } from './refusals.ts'
import type { StandIn } from './stand-in.ts'
import { asObjection, objectionOf, type Objection } from './step.ts'

/** Which mechanisms an enabled back end can answer: the conversations want abilities of their own. */
export function answerable(entries: readonly Entry[]): readonly LoginMechanism[] {
  const can = (...abilities: readonly BackEndQuestion[]): boolean =>
    entries.some(
      ({ instance, shadow }) =>
        !shadow && abilities.some((ability) => instance[ability] !== undefined),
    )
  return [
    ...(can('verify', 'secretFor') ? (['PLAIN', 'LOGIN'] as const) : []),
    ...(can('checkResponse') ? (['CRAM-MD5'] as const) : []),
    ...(can('secretFor') ? (['SCRAM-SHA-256'] as const) : []),
    ...(can('checkApop') ? (['APOP'] as const) : []),
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

/** What came of a login: why not, or what it brings. */
export type LoginOutcome =
  | {
      readonly objection: Objection
      /** A back end has said no, whatever stood in the way of others. */
      readonly denied: boolean
    }
  | {
      readonly objection?: undefined
      readonly denied?: undefined
      readonly grant: LoginGrant
    }

/** PLAIN, LOGIN, CRAM-MD5 and APOP, of which everything is known. */
export async function askBackEnds(
  inquiry: Inquiry,
  attempt: Exclude<AuthAttempt, { readonly mechanism: 'SCRAM-SHA-256' }>,
  standIn: StandIn,
): Promise<LoginOutcome> {
  const { places } = inquiry.generation
  const { session, user } = attempt
  if ('digest' in attempt) {
    const { challenge, digest } = attempt
    const response = (keep: (grant: LoginGrant) => void) => {
      return { session, user, challenge, digest, keep }
    }
    const answer =
      attempt.mechanism === 'APOP'
        ? await askEach(inquiry, places.checkApop, response)
        : await askEach(inquiry, places.checkResponse, response)
    return answer.known ? grantedBy(answer) : refusedBy(answer)
  }
  const { password } = attempt
  const answer = await askEach(inquiry, places.verify, (keep) => {
    return { session, user, password, keep }
  })
  if (answer.known) return grantedBy(answer)
  // Those that verify themselves have spoken; of the others the secret is asked.
  const others = places.secretFor.filter(({ entry }) => entry.instance.verify === undefined)
  return others.length === 0
    ? refusedBy(answer)
    : askSecrets(inquiry, others, { session, user, password, standIn }, answer)
}

async function askSecrets(
  inquiry: Inquiry,
  places: readonly AskedPlace<'secretFor'>[],
  login: { session: Session; user: string; password: string; standIn: StandIn },
  before: Unknown,
): Promise<LoginOutcome> {
  const { user, password, standIn } = login
  const found = await findSecret(inquiry, places, login)
  // For a stranger the same is done as for a user: neither the answer nor its time tells who exists.
  const secret = found.secret ?? standIn.secretOf(user)
  const fits = await isPasswordOf(secret, password)
  return fits && found.secret !== undefined
    ? grantedBy({ kept: found.secret })
    : refusedBy({
        fault: before.fault ?? found.fault,
        denied: before.denied || found.denied,
      })
}

export interface FoundSecret {
  readonly secret?: LoginSecret & LoginGrant
  /** Of a back end that could not answer, where no other knew the user. */
  readonly fault?: Objection | undefined
  /** A back end has answered: what the client says can be held against that. */
  readonly denied: boolean
}

/** The secret of the first back end that knows the user. */
export async function findSecret(
  inquiry: Inquiry,
  places: readonly AskedPlace<'secretFor'>[],
  { session, user, standIn }: { session: Session; user: string; standIn: StandIn },
): Promise<FoundSecret> {
  const answer = await askEach(inquiry, places, (keep) => ({ session, user, keep }))
  if (!answer.known) return answer
  if (answer.kept === undefined) return { denied: true }
  standIn.saw(answer.kept)
  return { secret: answer.kept, denied: true }
}

/** What is known of a password stays behind. */
export function grantOf({ variables, user }: LoginGrant = {}): LoginGrant {
  return {
    ...(variables === undefined ? {} : { variables }),
    ...(user === undefined ? {} : { user }),
  }
}

function grantedBy({ kept }: { readonly kept?: LoginGrant | undefined }): LoginOutcome {
  return { grant: grantOf(kept) }
}

function refusedBy({ fault, denied }: Pick<Unknown, 'fault' | 'denied'>): LoginOutcome {
  return { objection: fault ?? noSuchLogin, denied }
}

/** Nobody knows the user; with a fault, somebody could not say. */
interface Unknown {
  readonly known: false
  readonly fault?: Objection | undefined
  /** Somebody could say, and said no. */
  readonly denied: boolean
}

type Answer<T> = { readonly known: true; readonly kept: T | undefined } | Unknown

type BackEndQuestion = 'verify' | 'secretFor' | 'checkResponse' | 'checkApop'

/** One back end after the other, until one says yes. */
async function askEach<Q extends BackEndQuestion>(
  inquiry: Inquiry,
  places: readonly AskedPlace<Q>[],
  eventWith: (keep: (handed: KeptOf<Q>) => void) => Events[Q],
): Promise<Answer<KeptOf<Q>>> {
  let fault: Objection | undefined
  let denied = false
  for (const place of places) {
    if (inquiry.ended) break
    if (applies(inquiry, place) === false) continue
    // What an entry hands over counts only if its answer does.
    let kept: KeptOf<Q> | undefined
    const event = eventWith((handed) => void (kept = handed))
    // oxlint-disable-next-line no-await-in-loop -- the order is the contract
    const step = await inquiry.ask(place, event)
    if (!place.entry.shadow && step.verdict.verdict === 'accept') return { known: true, kept }
    const objection = objectionOf(step)
    fault ??= objection
    denied ||= !place.entry.shadow && objection === undefined
  }
  return { known: false, fault, denied }
}

/** What a back end hands over beside its yes. */
type KeptOf<Q extends BackEndQuestion> = Parameters<Events[Q]['keep']>[0]

const outcomes = { accept: 'accepted', reject: 'rejected', defer: 'deferred' } as const

/** How a login ended, for those who watch logins. */
export function loginEnd(
  { session, mechanism, user }: SecretRequest,
  { ruling }: AuthRuling | ObjectionRuling,
  denied: boolean,
): LoginEnd {
  return { session, mechanism, user, outcome: outcomes[ruling], denied }
}

/** Those who watch logins are told; whatever they do, the outcome stands. */
export async function tellHowLoginEnded(inquiry: Inquiry, event: LoginEnd): Promise<void> {
  for (const place of inquiry.generation.places.loginEnded) {
    if (applies(inquiry, place) === false) continue
    // oxlint-disable-next-line no-await-in-loop -- one after the other, as entries are asked
    await inquiry.ask(place, event)
  }
}
