/** What part of the queue is shown, as it stands in the URL; and the same as a selection to act on. */
import type { QueueSelection } from '../../schemas/queue.ts'

export interface QueueFilters {
  readonly domain?: string
  readonly reversePath?: string
  readonly recipient?: string
  readonly held?: 'true' | 'false'
}

export function readQueueFilters(query: URLSearchParams): QueueFilters {
  const held = query.get('held')
  return {
    ...given('domain', query),
    ...given('reversePath', query),
    ...given('recipient', query),
    ...(held === 'true' || held === 'false' ? { held } : {}),
  }
}

function given(name: 'domain' | 'reversePath' | 'recipient', query: URLSearchParams): QueueFilters {
  const value = query.get(name)?.trim() ?? ''
  return value === '' ? {} : { [name]: value }
}

/** Nothing asked for is everything: then that is said out loud. */
export function selectionOf({ held, ...rest }: QueueFilters): QueueSelection {
  const keys = { ...rest, ...(held === undefined ? {} : { held: held === 'true' }) }
  return Object.keys(keys).length === 0 ? { all: true } : keys
}

/** `to example.org, held`; `in the queue` for all. */
export function selectionWords({ domain, reversePath, recipient, held }: QueueFilters): string {
  const words = [
    ...(domain === undefined ? [] : [`to ${domain}`]),
    ...(recipient === undefined ? [] : [`for ${recipient}`]),
    ...(reversePath === undefined ? [] : [`from ${reversePath}`]),
    ...(held === undefined ? [] : [held === 'true' ? 'on hold' : 'not on hold']),
  ]
  return words.length === 0 ? 'in the queue' : words.join(', ')
}
