/** What one listener is counted by: handles made once, so that a reply costs an addition. */
import type { Answer, Reply } from '../mail/reply.ts'
import { receiverMetrics } from '../runtime/metrics/inventory.ts'
import type { Counter, Metrics } from '../runtime/metrics/metrics.ts'
import type { LimitName } from './admission.ts'

export interface ListenerMeter {
  opened(): void
  /** `policy`: there is a bug in it, and without it there is no session. */
  refused(reason: LimitName | 'policy'): void
  replied(answer: Answer): void
  /** @param version as TLS names it; `failed` where none was agreed on */
  secured(version: string): void
}

const nothing = (): void => undefined

/** Where nobody looks. */
export const noMeter: ListenerMeter = Object.freeze({
  opened: nothing,
  refused: nothing,
  replied: nothing,
  secured: nothing,
})

/** The four classes in which RFC 5321 §4.2.1 has codes that a server says, by their first digit. */
const classes = ['2xx', '3xx', '4xx', '5xx'] as const

/** @param listener its name in the configuration */
export function listenerMeter(metrics: Metrics, listener: string): ListenerMeter {
  const sessions = metrics.counter(receiverMetrics.sessionsTotal, { listener })
  const replies: readonly Counter[] = classes.map((each) =>
    metrics.counter(receiverMetrics.replies, { listener, class: each }),
  )
  const count = ({ code }: Reply): void => replies[Math.floor(code / 100) - 2]?.add()
  return {
    opened: () => sessions.add(),
    refused: (reason) => metrics.counter(receiverMetrics.refused, { listener, reason }).add(),
    replied(answer) {
      if ('code' in answer) count(answer)
      else answer.forEach(count)
    },
    secured: (version) => metrics.counter(receiverMetrics.handshakes, { listener, version }).add(),
  }
}
