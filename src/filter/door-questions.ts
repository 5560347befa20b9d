/** How questions to doors and their answers are written down, and read again. */
import type { JsonValue } from '../mail/json.ts'
import type { Spending } from '../runtime/counters.ts'
import type { DnsAnswer } from '../runtime/dns.ts'

/** The same question has the same words, whenever it is asked. */
export const doorQuestions = {
  addresses: (name: string) => `A ${name}`,
  ipv4: (name: string) => `4 ${name}`,
  mx: (name: string) => `M ${name}`,
  txt: (name: string) => `T ${name}`,
  reverse: (address: string) => `P ${address}`,
  now: () => 'now',
  integer: (bound: number) => `integer ${bound}`,
  get: (table: string, key: string) => `get ${table} ${key}`,
  // With other limits the answer would have been another.
  take: (key: string, limit: number) => `take ${key} ${limit}`,
  count: (key: string) => `count ${key}`,
  spend: (rates: readonly Spending[]) =>
    `spend ${rates.map(({ key, limit, periodMs }) => `${key} ${limit} ${periodMs}`).join(', ')}`,
} as const

/** Records as a list; 0: there are none of this type, 1: there is no such name, 2: nobody answered. */
export function packDnsAnswer(answer: DnsAnswer<JsonValue | object> | 'failed'): JsonValue {
  if (answer === 'failed') return 2
  if (answer.answer === 'found') {
    const { records } = answer
    const texts = records.filter((record) => typeof record === 'string')
    if (texts.length === records.length) return texts
    const copy: JsonValue = JSON.parse(JSON.stringify(records))
    return copy
  }
  return answer.answer === 'no-data' ? 0 : 1
}
