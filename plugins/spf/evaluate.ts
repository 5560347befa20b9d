/**
 * One SPF evaluation on mailauth, strictly by RFC 7208 (ten look-ups, two void ones), with the local additions of the
 * qmail patch: a policy for domains that have none (spfguess), and rules that are tried before a failure (spfrules).
 */
import { clientNetwork, type Dns } from 'postern/plugin'
import { dnsResolver, type Resolver } from '../shared/mailauth/dns-resolver.ts'

export type SpfWord = 'pass' | 'fail' | 'softfail' | 'neutral' | 'none' | 'permerror' | 'temperror'

export interface SpfQuestion {
  readonly address: string
  /** `local-part@domain`; empty for the null path. */
  readonly sender: string
  readonly hello: string
  readonly hostname: string
}

export interface SpfLocally {
  /** Mechanisms, for instance `include:spf.trusted-forwarder.example`; empty: none. */
  readonly rules: string
  readonly guess: string
  /** What a client is told whose domain gives no explanation; macros as in that of a domain (RFC 7208 §7). */
  readonly explanation?: string
  /** A policy that says `+all`, itself or by one that it refers to, fails. */
  readonly blockPlusAll?: boolean
}

export interface SpfAnswer {
  readonly result: SpfWord
  readonly domain: string
  /** The policy, where there is one. */
  readonly record: string | undefined
  /** What the domain wants to be said of a failure. */
  readonly explanation: string | undefined
  /** Our own words, macros expanded; empty: none. */
  readonly ours: string
  /** The field by RFC 7208 §9.1, without its name. */
  readonly field: string
  /** Who decided: the domain's policy, or one of ours. */
  readonly by: 'policy' | 'guess' | 'rules'
  /** It fails because this domain lets everybody send: the sender's, or one that its policy refers to. */
  readonly opened?: string
}

/** What we use of mailauth. Its own types know no MX records among the answers of a resolver. */
interface SpfLibrary {
  spf(options: {
    readonly ip: string
    readonly sender?: string
    readonly helo?: string
    readonly mta?: string
    readonly strict?: boolean
    readonly maxElapsedTime?: number
    readonly resolver?: Resolver
  }): Promise<{
    readonly domain: string
    readonly status: { readonly result: string }
    readonly header?: string
    readonly rr?: string
    readonly explanation?: string
  }>
}

/** It brings a good deal along: loaded before the first message, which would otherwise wait for it, and all others with it. */
export function loadSpf(): Promise<SpfLibrary> {
  return import('mailauth/lib/spf/index.js')
}

const words: readonly SpfWord[] = [
  'pass',
  'fail',
  'softfail',
  'neutral',
  'none',
  'permerror',
  'temperror',
]
const longestMs = 20_000

/** Never rejects for what a domain publishes or a name server does: that is `permerror` or `temperror`. */
export async function evaluateSpf(
  question: SpfQuestion,
  locally: SpfLocally,
  { dns, signal }: { readonly dns: Dns; readonly signal: AbortSignal },
): Promise<SpfAnswer> {
  const { address } = question
  if (clientNetwork(address) === undefined) return addressless(question)
  const resolver = dnsResolver({ dns, signal, address })
  const answer = await judged(question, locally, resolver)
  const isRefusable = answer.result !== 'pass' && answer.result !== 'temperror'
  const { explanation = '' } = locally
  return isRefusable && answer.explanation === undefined
    ? { ...answer, ours: await expanded(explanation, answer.domain, { question, resolver }) }
    : answer
}

/** By a UNIX socket, or behind a proxy that does not tell: nobody's policy can say anything of such a client. */
function addressless({ sender, hello, hostname }: SpfQuestion): SpfAnswer {
  const domain = sender === '' ? hello : sender.slice(sender.lastIndexOf('@') + 1)
  const field = `none (${hostname}: no IP address in conversation)`
  return {
    result: 'none',
    domain,
    record: undefined,
    explanation: undefined,
    ours: '',
    field,
    by: 'policy',
  }
}

async function judged(
  question: SpfQuestion,
  locally: SpfLocally,
  resolver: Resolver,
): Promise<SpfAnswer> {
  const opening = locally.blockPlusAll === true ? openingAmong(resolver) : undefined
  const published = await ask(question, opening?.resolver ?? resolver, 'policy')
  const answer = closed(published, question, opening?.opened())
  if (answer.result === 'none' && locally.guess !== '') {
    return ask(question, instead(resolver, answer.domain, locally.guess), 'guess')
  }
  if (locally.rules === '' || !['fail', 'softfail', 'neutral'].includes(answer.result))
    return answer
  const ruled = await ask(question, instead(resolver, answer.domain, locally.rules), 'rules')
  return ruled.result === 'pass' ? ruled : answer
}

async function ask(
  { address, sender, hello, hostname }: SpfQuestion,
  resolver: Resolver,
  by: SpfAnswer['by'],
): Promise<SpfAnswer> {
  const library = await loadSpf()
  const answer = await library.spf({
    ip: address,
    sender,
    helo: hello,
    mta: hostname,
    strict: true,
    maxElapsedTime: longestMs,
    resolver,
  })
  const said = answer.status.result
  const header = typeof answer.header === 'string' ? answer.header : ''
  return {
    by,
    result: words.find((word) => word === said) ?? 'temperror',
    domain: answer.domain,
    record: answer.rr,
    explanation: answer.explanation,
    ours: '',
    field: header.replace(/^Received-SPF:\s*/i, '').trim(),
  }
}

/** Notes who publishes a policy with `+all` among those that are read: that of the domain, of `redirect=`, of an `include:`. */
function openingAmong(resolver: Resolver): {
  readonly resolver: Resolver
  readonly opened: () => string | undefined
} {
  let opened: string | undefined
  return {
    opened: () => opened,
    async resolver(name, type) {
      const records = await resolver(name, type)
      if (type === 'TXT' && records.some((each) => isOpen([each].flat().join('')))) opened ??= name
      return records
    },
  }
}

function isOpen(text: string): boolean {
  return /^v=spf1 (?:.* )?\+?all(?: |$)/i.test(text)
}

/** As the qmail patch has it: whoever lets everybody send says nothing of this client. */
function closed(
  answer: SpfAnswer,
  { hostname }: SpfQuestion,
  opened: string | undefined,
): SpfAnswer {
  if (opened === undefined || !['pass', 'softfail', 'neutral'].includes(answer.result))
    return answer
  const comment = `(${hostname}: ${answer.domain} has an improper SPF record)`
  const field = answer.field.replace(/^\w+ \((?:[^()\\]|\\.)*\)/, () => `fail ${comment}`)
  return { ...answer, result: 'fail', field, opened }
}

/** The domain's own policy is another one; what that refers to is asked as ever. */
function instead(resolver: Resolver, domain: string, mechanisms: string): Resolver {
  const record = /^v=spf1\b/i.test(mechanisms) ? mechanisms : `v=spf1 ${mechanisms}`
  return (name, type) =>
    type === 'TXT' && name.toLowerCase() === domain.toLowerCase()
      ? Promise.resolve([[record]])
      : resolver(name, type)
}

/**
 * Our own words as if the domain had published them: who expands the macros of others expands ours. `%{xR}` is how the qmail
 * patch writes `%{R}`. Words whose macros are none are said as they are written.
 */
async function expanded(
  words: string,
  domain: string,
  { question, resolver }: { readonly question: SpfQuestion; readonly resolver: Resolver },
): Promise<string> {
  if (!words.includes('%')) return words
  const published = `exp.${domain}`
  const plain = words.replaceAll(/%\{x(?=[a-z])/gi, '%{')
  const answering = instead(resolver, domain, `-all exp=${published}`)
  const stand: Resolver = (name, type) =>
    type === 'TXT' && name.toLowerCase() === published.toLowerCase()
      ? Promise.resolve([[plain]])
      : answering(name, type)
  const { explanation } = await ask(question, stand, 'rules')
  return explanation === undefined || explanation === '' ? words : explanation
}
