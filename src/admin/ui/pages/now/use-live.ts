/** The live stream: the newest transactions, and the sums as they change. Paused, it counts what it does not show. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { MessagePage, MessageSummary } from '../../../schemas/messages.ts'
import type { Now } from '../../../schemas/system.ts'
import { useApp } from '../../app-context.ts'
import { urlOf } from '../../browser/api-client.ts'
import { openEventStream, type StreamState } from '../../browser/event-stream.ts'

export interface Live {
  readonly now: Now | undefined
  /** Newest first. */
  readonly transactions: readonly MessageSummary[]
  readonly state: StreamState
  /** The stream was lost and has come back. */
  readonly cameBack: boolean
  readonly paused: boolean
  /** How many came while it was paused. */
  readonly missed: number
  readonly setPaused: (paused: boolean) => void
}

const mostShown = 100
const mostFilled = 20

/** Each once. */
function newestFirst(
  before: readonly MessageSummary[],
  more: readonly MessageSummary[],
): readonly MessageSummary[] {
  const known = new Set(before.map(({ id }) => id))
  return [...more.filter(({ id }) => !known.has(id)), ...before]
    .toSorted((a, b) => b.endedAt - a.endedAt)
    .slice(0, mostShown)
}

export function useLive(): Live {
  const [now, setNow] = useState<Now | undefined>()
  const [shown, setShown] = useState<readonly MessageSummary[]>([])
  const [state, setState] = useState<StreamState>('connecting')
  const [cameBack, setCameBack] = useState(false)
  const [paused, setPausedState] = useState(false)
  const [missed, setMissed] = useState(0)
  const isPaused = useRef(false)
  const list = useRef<readonly MessageSummary[]>([])
  const wasLost = useRef(false)
  const { api } = useApp()
  useEffect(() => {
    const add = (more: readonly MessageSummary[]): void => {
      list.current = newestFirst(list.current, more)
      setShown(list.current)
    }
    // What came just before: the stream begins with the next second.
    const fill = (): void => {
      api.ask<MessagePage>('GET', '/messages', { query: { limit: mostFilled } }).then(
        ({ items }) => {
          if (!isPaused.current) add(items)
        },
        // The stream goes on without it.
        () => undefined,
      )
    }
    let mustFill = false
    const onEvent = (name: string, data: string): void => {
      if (name === 'now') {
        if (mustFill) fill()
        mustFill = false
        return setNow(JSON.parse(data) as Now)
      }
      const transaction = JSON.parse(data) as MessageSummary
      // What was just fetched may come once more with the stream.
      if (list.current.some(({ id }) => id === transaction.id)) return undefined
      if (isPaused.current) return setMissed((before) => before + 1)
      return add([transaction])
    }
    const onState = (next: StreamState): void => {
      setState(next)
      if (next === 'lost') wasLost.current = true
      if (next !== 'open') return
      setCameBack(wasLost.current)
      mustFill = true
      fill()
    }
    return openEventStream({
      url: urlOf('/events'),
      events: ['transaction', 'now'],
      onEvent,
      onState,
    })
  }, [])
  return {
    now,
    transactions: shown,
    state,
    cameBack,
    paused,
    missed,
    setPaused(next) {
      isPaused.current = next
      setPausedState(next)
      setMissed(0)
    },
  }
}
