/**
 * The DNS door as mailauth asks it: by name and type, with Node's error codes for "no". One resolver serves one
 * evaluation: whoever publishes a policy, or signs, cannot make us ask more than `mostQuestions`, whatever the library counts.
 */
import { PosternError, type Dns, type DnsAnswer } from 'postern/plugin'

export type Resolver = (name: string, type: string) => Promise<readonly unknown[]>

export interface ResolverParts {
  readonly dns: Dns
  readonly signal: AbortSignal
  /** The client's: the only one whose names are asked for. */
  readonly address: string
  readonly mostQuestions?: number
}

export function dnsResolver({
  dns,
  signal,
  address,
  mostQuestions = 200,
}: ResolverParts): Resolver {
  let questions = 0
  return async (name, type) => {
    questions += 1
    if (questions > mostQuestions) throw new PosternError('DNS_FAILED', 'too many questions')
    switch (type) {
      case 'TXT':
        return found(await dns.txt(name, signal), (text) => [text])
      case 'A':
        return found(await dns.ipv4(name, signal), (each) => each)
      case 'AAAA': {
        const all = found(await dns.addresses(name, signal), (each) => each)
        const six = all.filter((each) => each.includes(':'))
        if (six.length === 0) throw no('ENODATA')
        return six
      }
      case 'MX':
        return found(await dns.mx(name, signal), ({ exchange, preference }) => ({
          exchange,
          priority: preference,
        }))
      case 'PTR':
        return found(await dns.reverse(address, signal), (each) => each)
      default:
        throw no('ENODATA')
    }
  }
}

export type TextResolver = (name: string, type: string) => Promise<string[][]>

/** Where only TXT records and addresses are asked for, the answers are lists of texts: as mailauth's types want them. */
export function textResolver(resolver: Resolver): TextResolver {
  return async (name, type) => (await resolver(name, type)).map((row) => [row].flat().map(String))
}

function found<T, R>(answer: DnsAnswer<T>, as: (record: T) => R): readonly R[] {
  if (answer.answer === 'found') return answer.records.map(as)
  throw no(answer.answer === 'no-name' ? 'ENOTFOUND' : 'ENODATA')
}

/** An error without the stack, which would cost more than the answer; nobody reads it. */
function no(code: 'ENOTFOUND' | 'ENODATA'): Error {
  const bare: Error = Object.create(Error.prototype)
  return Object.assign(bare, { message: code, code })
}
