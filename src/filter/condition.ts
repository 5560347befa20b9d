/**
 * The conditions of an entry. A condition that depends on what is not known yet (the recipient, a
 * login that may still come) is neither true nor false: it is judged again when it matters.
 */
import type { Recipient } from '../mail/envelope.ts'
import type { Environment } from '../mail/environment.ts'
import { mailboxKey, type Mailbox } from '../mail/address.ts'
import type { ConditionShape } from '../plugin/condition.ts'
import { parseNetworks } from '../plugin/networks.ts'

/** What conditions look at. `undefined` stands for "not known yet". */
export interface Circumstances {
  readonly listener: string
  readonly address: string
  readonly environment: Environment
  readonly authenticated: boolean | undefined
  readonly relayClient: boolean | undefined
  readonly allowed: boolean | undefined
  readonly recipient: Recipient | undefined
}

/** `undefined`: cannot be said yet. */
export type Judgement = boolean | undefined

/** `when` and `unless` of an entry, together. */
export interface Applicability {
  judge(circumstances: Circumstances): Judgement
  /** Whether it depends on the finding `allowed`. */
  readonly asksAllowed: boolean
}

export interface ConditionMistake {
  readonly key: keyof ConditionShape
  readonly problem: string
  readonly remedy: string
}

type Test = (circumstances: Circumstances) => Judgement
type Compiled = { readonly test: Test } | { readonly mistakes: readonly ConditionMistake[] }

export interface EntryTests {
  /** One of them must hold; empty: the entry asks for nothing. */
  readonly when: readonly Test[]
  /** None of them may hold. */
  readonly unless: readonly Test[]
  readonly asksAllowed: boolean
}

/** An entry applies where `when` holds and `unless` does not. @returns undefined where it applies to everybody. */
export function applicability({
  when,
  unless,
  asksAllowed,
}: EntryTests): Applicability | undefined {
  const tests = [...(when.length === 0 ? [] : [some(when)]), ...unless.map(not)]
  const [first] = tests
  if (first === undefined) return undefined
  return { judge: tests.length === 1 ? first : every(tests), asksAllowed }
}

function not(test: Test): Test {
  return (circumstances) => {
    const holds = test(circumstances)
    return holds === undefined ? undefined : !holds
  }
}

function some(tests: readonly Test[]): Test {
  return not(every(tests.map(not)))
}

/** @param listeners the names that there are */
export function compileCondition(shape: ConditionShape, listeners: ReadonlySet<string>): Compiled {
  const tests: Test[] = []
  const mistakes: ConditionMistake[] = []
  const { listener, authenticated, relay_client: relay, network, environment } = shape
  const { allowed, recipient, recipient_domain: domains } = shape

  if (listener !== undefined) {
    const names = new Set(listener)
    tests.push((at) => names.has(at.listener))
    for (const name of names) if (!listeners.has(name)) mistakes.push(noListener(name, listeners))
  }
  if (authenticated !== undefined) tests.push((at) => same(at.authenticated, authenticated))
  if (relay !== undefined) tests.push((at) => same(at.relayClient, relay))
  if (allowed !== undefined) tests.push((at) => same(at.allowed, allowed))
  if (network !== undefined) {
    const parsed = parseNetworks(network)
    if (parsed.ok) tests.push((at) => parsed.networks.has(at.address))
    else mistakes.push(noNetwork(parsed.item))
  }
  if (environment !== undefined) {
    tests.push((at) => environment.some((wanted) => isSet(at.environment, wanted)))
  }
  if (recipient !== undefined) {
    const addresses = new Set(recipient.map((address) => address.toLowerCase()))
    tests.push((at) => at.recipient && isAmong(addresses, at.recipient.mailbox))
  }
  if (domains !== undefined) {
    const lower = domains.map((domain) => domain.toLowerCase())
    tests.push((at) => at.recipient && isWithin(at.recipient.mailbox.domain.toLowerCase(), lower))
  }
  return mistakes.length > 0 ? { mistakes } : { test: every(tests) }
}

function every(tests: readonly Test[]): Test {
  return (circumstances) => {
    let known = true
    for (const test of tests) {
      const holds = test(circumstances)
      if (holds === false) return false
      known &&= holds === true
    }
    return known ? true : undefined
  }
}

function same(known: boolean | undefined, wanted: boolean): Judgement {
  return known === undefined ? undefined : known === wanted
}

/** `NAME` is set, or `NAME=value` has this value. */
function isSet({ variables }: Environment, wanted: string): boolean {
  const equals = wanted.indexOf('=')
  return equals < 0
    ? variables.has(wanted)
    : variables.get(wanted.slice(0, equals)) === wanted.slice(equals + 1)
}

/** The address itself, or its local-part of whatever domain: `postmaster@`. */
function isAmong(addresses: ReadonlySet<string>, mailbox: Mailbox): boolean {
  return addresses.has(mailboxKey(mailbox)) || addresses.has(`${mailbox.localPart.toLowerCase()}@`)
}

function isWithin(domain: string, domains: readonly string[]): boolean {
  return domains.some((each) => (each.startsWith('.') ? domain.endsWith(each) : domain === each))
}

function noListener(name: string, listeners: ReadonlySet<string>): ConditionMistake {
  const remedy = `there are: ${[...listeners].join(', ')}`
  return { key: 'listener', problem: `there is no listener ${name}`, remedy }
}

function noNetwork(item: string): ConditionMistake {
  return {
    key: 'network',
    problem: `'${item}' is neither an address nor a network`,
    remedy: 'write for instance 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32',
  }
}
