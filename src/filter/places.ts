/**
 * From entries to the order in which they are asked. Stages before `message` ask one entry after the
 * other; at `message` those marked `first` come first, one that replaces the message comes last, and the rest wait
 * only for what they need.
 */
import { isLoginGrant, isLoginSecret, type LoginGrant } from '../mail/login-secret.ts'
import { after } from '../mail/maybe-promise.ts'
import type { Stage } from '../mail/status.ts'
import { allowed } from '../plugin/finding.ts'
import { accept, pass, type AnyVerdict } from '../plugin/verdict.ts'
import type { AskedPlace, Entry, MessagePlace, Place, Question } from './entry.ts'

export interface Places {
  readonly connect: readonly AskedPlace<'connect'>[]
  readonly hello: readonly AskedPlace<'hello'>[]
  readonly auth: readonly AskedPlace<'auth'>[]
  readonly verify: readonly AskedPlace<'verify'>[]
  readonly secretFor: readonly AskedPlace<'secretFor'>[]
  readonly checkResponse: readonly AskedPlace<'checkResponse'>[]
  readonly checkApop: readonly AskedPlace<'checkApop'>[]
  readonly loginEnded: readonly AskedPlace<'loginEnded'>[]
  readonly mail: readonly AskedPlace<'mail'>[]
  readonly rcpt: readonly AskedPlace<'rcpt'>[]
  /** How many of `rcpt` it takes to have asked everybody who could vouch. */
  readonly vouching: number
  /** Behind those: shadows, of which it is to be known for whom they would. */
  readonly wouldVouch: readonly AskedPlace<'rcpt'>[]
  /** Those of `rcpt` that are asked before the others, and before a remembered refusal is spoken: who is allowed. */
  readonly allowing: readonly AskedPlace<'rcpt'>[]
  readonly data: readonly AskedPlace<'data'>[]
  readonly message: readonly MessagePlace[]
  readonly sign: readonly AskedPlace<'sign'>[]
  /** connect, hello and mail in one line: see passage.ts. */
  readonly passage: readonly PassagePlace[]
  /** All of them, by number. */
  readonly all: readonly Place[]
}

export type PassagePlace = AskedPlace<'connect'> | AskedPlace<'hello'> | AskedPlace<'mail'>

type Ask<Q extends Question> = AskedPlace<Q>['ask']
type Instance = Entry['instance']

const hooks: { readonly [S in Stage]: (instance: Instance) => Ask<S> | undefined } = {
  connect: (instance) => instance.connect?.bind(instance),
  hello: (instance) => instance.hello?.bind(instance),
  auth: (instance) => instance.auth?.bind(instance),
  mail: (instance) => instance.mail?.bind(instance),
  rcpt: (instance) => instance.rcpt?.bind(instance),
  data: (instance) => instance.data?.bind(instance),
  message: (instance) => instance.message?.bind(instance),
}

/** The hook of a stage, where there is one: of another instance than the entry's own. */
export function hookOf<S extends Stage>(instance: Instance, stage: S): Ask<S> | undefined {
  return hooks[stage](instance)
}

/** A back end as something that is asked and answers with a verdict: yes vouches for the login, no says nothing. */
function verifier(instance: Instance): Ask<'verify'> | undefined {
  const verify = instance.verify?.bind(instance)
  return (
    verify &&
    (({ keep, ...event }, context) =>
      after(verify(event, context), (known) => loginVerdict(known, keep)))
  )
}

function checker(instance: Instance): Ask<'checkResponse'> | undefined {
  const check = instance.checkResponse?.bind(instance)
  return (
    check &&
    (({ keep, ...event }, context) =>
      after(check(event, context), (known) => loginVerdict(known, keep)))
  )
}

function apopChecker(instance: Instance): Ask<'checkApop'> | undefined {
  const check = instance.checkApop?.bind(instance)
  return (
    check &&
    (({ keep, ...event }, context) =>
      after(check(event, context), (known) => loginVerdict(known, keep)))
  )
}

function secretGiver(instance: Instance): Ask<'secretFor'> | undefined {
  const secretFor = instance.secretFor?.bind(instance)
  if (secretFor === undefined) return undefined
  return ({ session, user, keep }, context) =>
    after(secretFor({ session, user }, context), (secret: unknown) => {
      if (secret === undefined) return pass()
      if (!isLoginSecret(secret) || !isLoginGrant(secret)) {
        throw new TypeError('secretFor answered what is no secret')
      }
      keep(secret)
      return accept()
    })
}

/** A signer as something that is asked and answers with a verdict: its fields are edits like others. */
export function signer(instance: Instance): Ask<'sign'> | undefined {
  const sign = instance.sign?.bind(instance)
  if (sign === undefined) return undefined
  return (event, context) =>
    after(sign(event, context), (fields) => {
      if (!Array.isArray(fields)) throw new TypeError(`a signer answered ${typeof fields}`)
      if (fields.length === 0) return pass()
      const headerEdits = fields.map(
        ({ name, value }) => ({ edit: 'prepend', name, value }) as const,
      )
      return pass({ headerEdits })
    })
}

function loginVerdict(known: unknown, keep: (grant: LoginGrant) => void): AnyVerdict {
  if (typeof known === 'boolean') return known ? accept() : pass()
  if (!isLoginGrant(known)) throw new TypeError(`a back end answered ${typeof known}`)
  keep(known)
  return accept()
}

/** Who watches logins says nothing about them. */
function watcher(instance: Instance): Ask<'loginEnded'> | undefined {
  const told = instance.loginEnded?.bind(instance)
  return told && ((event, context) => after(told(event, context), () => pass()))
}

export function orderPlaces(entries: readonly Entry[]): Places {
  const all: Place[] = []
  const put = <Q extends Question>(
    question: Q,
    asks: (instance: Instance) => Ask<Q> | undefined,
    among = entries,
  ): readonly AskedPlace<Q>[] =>
    among.flatMap((entry) => {
      const ask = asks(entry.instance)
      if (ask === undefined) return []
      const place = { number: all.length, question, entry, ask }
      all.push(place)
      return [place]
    })
  const connect = put('connect', hooks.connect)
  const hello = put('hello', hooks.hello)
  const auth = put('auth', hooks.auth)
  const verify = put('verify', verifier)
  const secretFor = put('secretFor', secretGiver)
  const checkResponse = put('checkResponse', checker)
  const checkApop = put('checkApop', apopChecker)
  const loginEnded = put('loginEnded', watcher)
  const mail = put('mail', hooks.mail)
  const allows = ({ provides }: Entry): boolean =>
    provides.some(({ name }) => name === allowed.name)
  const allowing = put('rcpt', hooks.rcpt, entries.filter(allows))
  const rcpt = put(
    'rcpt',
    hooks.rcpt,
    entries.filter((entry) => !allows(entry)),
  )
  const vouching = rcpt.findLastIndex(({ entry }) => entry.vouches && !entry.shadow) + 1
  const wouldVouch = rcpt.slice(vouching).filter(({ entry }) => entry.vouches)
  const data = put('data', hooks.data)
  const firstOnes = entries.filter(({ first }) => first)
  const others = entries.filter(({ first, replaces }) => !first && !replaces)
  const lastOnes = entries.filter(({ first, replaces }) => !first && replaces)
  const message = waiting(
    put('message', hooks.message, [...firstOnes, ...provenFirst(others), ...lastOnes]).map(
      (place) => ({
        ...place,
        unasked: place.entry.instance.unasked?.bind(place.entry.instance),
      }),
    ),
  )
  const sign = put('sign', signer)
  const passage = [...connect, ...hello, ...mail]
  const logins = { auth, verify, secretFor, checkResponse, checkApop, loginEnded }
  const recipients = { rcpt, vouching, wouldVouch, allowing }
  return { connect, hello, ...logins, mail, ...recipients, data, message, sign, passage, all }
}

/**
 * Whoever says who is allowed stands early in a chain, for the stages before; at `message` it comes behind those whose findings
 * prove it, and before those who ask for its word, whatever the order of the entries is.
 */
function provenFirst(entries: readonly Entry[]): readonly Entry[] {
  const ordered: Entry[] = []
  let held: Entry[] = []
  for (const [index, entry] of entries.entries()) {
    const later = entries.slice(index + 1)
    const isEarly = later.some((other) => proves(other, entry))
    if (isEarly || held.some((early) => waitsFor(entry, early))) held.push(entry)
    else ordered.push(entry)
    if (later.some((other) => held.some((early) => proves(other, early)))) continue
    ordered.push(...held)
    held = []
  }
  return ordered
}

/** What `entry` finds says whether those are allowed whom `early` would allow. */
function proves(entry: Entry, early: Entry): boolean {
  const allows = early.provides.some(({ name }) => name === allowed.name)
  return allows && waitsFor(early, entry) && !waitsFor(entry, early)
}

/** Works out who waits for whom at `message`. */
function waiting(places: readonly AskedPlace<'message'>[]): readonly MessagePlace[] {
  const ordered: MessagePlace[] = []
  for (const [index, place] of places.entries()) {
    const after: number[] = []
    const sees = new Set<number>()
    for (let earlier = 0; earlier < index; earlier++) {
      const other = ordered[earlier]
      if (other === undefined || !waitsFor(place.entry, other.entry)) continue
      after.push(earlier)
      for (const seen of other.sees) sees.add(seen)
      sees.add(earlier)
    }
    ordered.push({ ...place, after, sees: [...sees].toSorted((a, b) => a - b) })
  }
  return ordered
}

function waitsFor(entry: Entry, earlier: Entry): boolean {
  // An enforced entry has nothing to expect of a shadow entry, and does not wait for it.
  if (earlier.shadow && !entry.shadow) return false
  if (entry.first || earlier.first || entry.replaces) return true
  return entry.awaits.some(({ name }) => earlier.provides.some((key) => key.name === name))
}
