/**
 * Server-sent events that survive a restart of the gateway: EventSource comes back by itself after a lost
 * connection, but gives up for good on any answer that is no stream, such as a proxy's 502. Then we ask again.
 */
import { after } from './clock.ts'

export type StreamState = 'connecting' | 'open' | 'lost'

export interface EventStreamOptions {
  readonly url: string
  /** The names of the events. */
  readonly events: readonly string[]
  readonly onEvent: (name: string, data: string) => void
  readonly onState: (state: StreamState) => void
}

const firstDelayMs = 1000
const longestDelayMs = 15_000

/** @returns a function that closes it */
export function openEventStream({ url, events, onEvent, onState }: EventStreamOptions): () => void {
  let source: EventSource | undefined
  let callOff: () => void = () => undefined
  let delayMs = firstDelayMs
  const open = (): void => {
    onState('connecting')
    source = new EventSource(url)
    source.addEventListener('open', () => {
      delayMs = firstDelayMs
      onState('open')
    })
    source.addEventListener('error', () => {
      onState('lost')
      if (source?.readyState !== EventSource.CLOSED) return
      callOff = after(delayMs, open)
      delayMs = Math.min(delayMs * 2, longestDelayMs)
    })
    for (const name of events) {
      source.addEventListener(name, (event) => {
        if (event instanceof MessageEvent && typeof event.data === 'string') {
          onEvent(name, event.data)
        }
      })
    }
  }
  open()
  return () => {
    callOff()
    source?.close()
  }
}
