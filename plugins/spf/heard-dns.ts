import {
  after,
  isPosternError,
  type Dns,
  type HeardAnswer,
  type MaybePromise,
} from 'postern/plugin'

/** A trace keeps about so much of one step; of policies that need more nothing is kept here either. */
const mostCharacters = 4_096

/**
 * The DNS, and what it says to whoever asks by it from now on.
 * @returns `heard`: grows with each answer, and is empty where there was too much
 */
export function heardDns(dns: Dns): { readonly dns: Dns; readonly heard: readonly HeardAnswer[] } {
  const heard: HeardAnswer[] = []
  let left = mostCharacters
  const keep = (answer: HeardAnswer): void => {
    left -= JSON.stringify(answer).length
    if (left < 0) heard.length = 0
    else heard.push(answer)
  }
  const texts =
    (question: 'addresses' | 'ipv4' | 'txt' | 'reverse'): Dns['txt'] =>
    (of, signal) =>
      told(dns[question](of, signal), (answer) => keep({ question, of, answer }))
  return {
    heard,
    dns: {
      addresses: texts('addresses'),
      ipv4: texts('ipv4'),
      txt: texts('txt'),
      reverse: texts('reverse'),
      mx: (of, signal) =>
        told(dns.mx(of, signal), (answer) => keep({ question: 'mx', of, answer })),
    },
  }
}

function told<T>(answer: MaybePromise<T>, keep: (answer: T | 'failed') => void): MaybePromise<T> {
  const kept = after(answer, (given) => {
    keep(given)
    return given
  })
  if (!(kept instanceof Promise)) return kept
  return kept.catch((error: unknown) => {
    if (!isPosternError(error, 'ABORTED')) keep('failed')
    throw error
  })
}
