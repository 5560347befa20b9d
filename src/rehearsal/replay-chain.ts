/** The chain of a candidate whose entries answer from what was recorded: see replay-case.ts. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Breakers } from '../filter/breakers.ts'
import type { AskedPlace, Entry, EntryConfig, Place } from '../filter/entry.ts'
import { Generation } from '../filter/generation.ts'
import { hookOf, orderPlaces, signer, type Places } from '../filter/places.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Session, Transaction } from '../mail/session.ts'
import type { Stage } from '../mail/status.ts'
import { definePlugin } from '../plugin/plugin.ts'
import { pass, type AnyVerdict } from '../plugin/verdict.ts'
import { silentLog } from '../tools/silent-log.ts'
import type { ReplayCase } from './replay-case.ts'

/** Which transaction is replayed now. */
export type Replaying = AsyncLocalStorage<ReplayCase>

export function newReplaying(): Replaying {
  return new AsyncLocalStorage()
}

/** Answers come at once; what does not is found before this. */
const timeoutMs = 60_000

/** @param candidate whose doors are those of a replay; it is never opened */
export function replayChain(candidate: Generation, replaying: Replaying): Generation {
  const entries = candidate.entries.map((entry): Entry => {
    // Faults were facts: they open nothing now.
    const never = { faults: Number.POSITIVE_INFINITY, withinMs: 0, openMs: 0 }
    return { ...entry, breakers: new Breakers(undefined, never), timeoutMs }
  })
  return new Generation({
    id: candidate.id,
    listing: candidate.listing,
    entries,
    places: replayedPlaces(orderPlaces(entries), replaying),
    thresholds: candidate.thresholds,
    thresholdRules: candidate.thresholdRules,
    tagging: candidate.tagging,
    parallel: candidate.parallel,
    settingsOf: candidate.settingsOf,
    meter: candidate.meter,
    log: silentLog,
  })
}

function replayedPlaces(places: Places, replaying: Replaying): Places {
  const answering = <Q extends Stage | 'sign', P extends AskedPlace<Q>>(
    place: P & AskedPlace<Q>,
    askOf: (instance: Entry['instance']) => AskedPlace<Q>['ask'] | undefined,
  ): P => ({
    ...place,
    ask(event, context) {
      const about: { readonly session?: Session; readonly transaction?: Transaction } = event
      const replayCase = caseOf(replaying)
      const again = (instance: Entry['instance']): MaybePromise<AnyVerdict> =>
        askOf(instance)?.(asThen(event, replayCase), context) ?? pass()
      return replayCase.answer({ place, about, context, again })
    },
  })
  const replayed = <S extends Stage, P extends AskedPlace<S>>(place: P & AskedPlace<S>): P =>
    answering<S, P>(place, (instance) => hookOf(instance, place.question))
  const connect = places.connect.map((place) => replayed<'connect', typeof place>(place))
  const hello = places.hello.map((place) => replayed<'hello', typeof place>(place))
  const mail = places.mail.map((place) => replayed<'mail', typeof place>(place))
  return {
    connect,
    hello,
    mail,
    passage: [...connect, ...hello, ...mail],
    auth: places.auth.map((place) => replayed<'auth', typeof place>(place)),
    verify: [believing(places, replaying)],
    secretFor: [],
    checkResponse: [],
    checkApop: [],
    loginEnded: [],
    rcpt: places.rcpt.map((place) => replayed<'rcpt', typeof place>(place)),
    vouching: places.vouching,
    wouldVouch: places.wouldVouch.map((place) => replayed<'rcpt', typeof place>(place)),
    allowing: places.allowing.map((place) => replayed<'rcpt', typeof place>(place)),
    data: places.data.map((place) => replayed<'data', typeof place>(place)),
    message: places.message.map((place) => replayed<'message', typeof place>(place)),
    sign: places.sign.map((place) => answering<'sign', typeof place>(place, signer)),
    all: places.all,
  }
}

const believerName = 'replayed login'

/** However somebody logged in then, it is asked here: those are the back ends that a candidate would ask, in their order. */
function believing(places: Places, replaying: Replaying): AskedPlace<'verify'> {
  const [own] = places.verify.filter(({ entry }) => entry.name === believerName)
  if (own === undefined) throw new Error('a replayed chain has its believer')
  const verify = places.verify.filter((place) => place !== own)
  const others = places.secretFor.filter(({ entry }) => entry.instance.verify === undefined)
  const backEnds: { readonly [mechanism: string]: readonly Place[] } = {
    'SCRAM-SHA-256': places.secretFor,
    'CRAM-MD5': places.checkResponse,
  }
  return {
    ...own,
    ask(event, context) {
      const replayCase = caseOf(replaying)
      const { login } = replayCase.recorded
      const asked = backEnds[login?.mechanism ?? ''] ?? [...verify, ...others]
      return replayCase.knowsLogin(asked, event.session.environment)
        ? own.ask(event, context)
        : pass()
    },
  }
}

/** An entry behind the chain that has what the login of then brought. */
export function believer(replaying: Replaying): EntryConfig {
  const plugin = definePlugin({
    name: 'replayed-login',
    setup: () => ({
      verify({ user }) {
        const { login } = caseOf(replaying).recorded
        return login?.user === user ? { variables: login.variables } : false
      },
    }),
  })
  const place = { file: believerName, path: [], lineOf: () => undefined }
  const entry = { name: believerName, plugin, mode: 'enforce', first: false, place } as const
  return { ...entry, options: undefined }
}

/** However a login was proven then, it is believed now by PLAIN. */
function asThen<E extends object>(event: E, { recorded: { login } }: ReplayCase): E {
  return login === undefined || !('mechanism' in event)
    ? event
    : { ...event, mechanism: login.mechanism }
}

function caseOf(replaying: Replaying): ReplayCase {
  const replayCase = replaying.getStore()
  if (replayCase === undefined) throw new Error('no transaction is replayed')
  return replayCase
}
