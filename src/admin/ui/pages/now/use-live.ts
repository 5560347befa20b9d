/** The live stream: the newest transactions, and the sums as they change. Paused, it counts what it does not show. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { MessagePage, MessageSummary } from '../../../schemas/messages.ts'
import type { Now } from '../../../schemas/system.ts'
import { useApp } from '../../app-context.ts'
import { urlOf } from '../../browser/api-client.ts'
import { after } from '../../browser/clock.ts'
import { openEventStream, type StreamState } from '../../browser/event-stream.ts'

/** Of a flood the stream shows some, and how many there were besides. */
export interface Passed {
  readonly id: string
  readonly endedAt: number
  readonly passed: number
}

export type LiveLine = MessageSummary | Passed

export interface Live {
  readonly now: Now | undefined
  /** Newest first. */
  readonly lines: readonly LiveLine[]
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
/** What comes together is shown together: drawing the list costs more than all of its events. */
const gatherMs = 100

/** Each once. */
function newestFirst(before: readonly LiveLine[], more: readonly LiveLine[]): readonly LiveLine[] {
  const known = new Set(before.map(({ id }) => id))
  return [...more.filter(({ id }) => !known.has(id)), ...before]
    .toSorted((a, b) => b.endedAt - a.endedAt)
    .slice(0, mostShown)
}

export function useLive(): Live {
  const [now, setNow] = useState<Now | undefined>()
  const [shown, setShown] = useState<readonly LiveLine[]>([])
  const [state, setState] = useState<StreamState>('connecting')
  const [cameBack, setCameBack] = useState(false)
  const [paused, setPausedState] = useState(false)
  const [missed, setMissed] = useState(0)
  const isPaused = useRef(false)
  const list = useRef<readonly LiveLine[]>([])
  const wasLost = useRef(false)
  const { api } = useApp()
  useEffect(() => {
    const add = (more: readonly LiveLine[]): void => {
      list.current = newestFirst(list.current, more)
      setShown(list.current)
    }
    let gathered: MessageSummary[] = []
    let passed = 0
    let callOff: (() => void) | undefined
    const flush = (): void => {
      callOff = undefined
      const lines = gathered
      const count = passed
      gathered = []
      passed = 0
      if (isPaused.current) return setMissed((before) => before + lines.length + count)
      // Whatever was passed over came before what is shown.
      const endedAt = Math.min(...lines.map((line) => line.endedAt)) - 0.5
      const more = { id: `before ${lines[0]?.id ?? ''}`, endedAt, passed: count }
      return add(count > 0 && lines.length > 0 ? [...lines, more] : lines)
    }
    const gather = (): void => void (callOff ??= after(gatherMs, flush))
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
      if (name === 'more') {
        passed += (JSON.parse(data) as { readonly count: number }).count
        return gather()
      }
      const transaction = JSON.parse(data) as MessageSummary
      // What was just fetched may come once more with the stream.
      if (list.current.some(({ id }) => id === transaction.id)) return undefined
      gathered.push(transaction)
      return gather()
    }
    const onState = (next: StreamState): void => {
      setState(next)
      if (next === 'lost') wasLost.current = true
      if (next !== 'open') return
      setCameBack(wasLost.current)
      mustFill = true
      fill()
    }
    const close = openEventStream({
      url: urlOf('/events'),
      events: ['transaction', 'more', 'now'],
      onEvent,
      onState,
    })
    return () => {
      callOff?.()
      close()
    }
  }, [])
  return {
    now,
    lines: shown,
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
