/** From what an operator writes to what is paused, and which of the queued messages that concerns. */
import { isSameScope, namedScopes, readScope, type PauseScope } from '../delivery/pauses.ts'
import { selectionOf, type Applied } from '../delivery/queue-desk.ts'
import type { WrittenSelection } from './queue-selection.ts'
import { steerQueue } from './steer-queue.ts'

export type { PauseScope }

/** Everything, where nothing is named. @throws Error in words for the operator */
export function readScopes(
  written: Pick<WrittenSelection, (typeof namedScopes)[number]>,
): readonly PauseScope[] {
  const named = namedScopes.flatMap((what) => {
    const name = written[what]
    if (name === undefined) return []
    const scope = readScope({ what, name })
    if (scope === undefined) throw new Error(`--${what} '${name}' means nobody: ${remedies[what]}`)
    return [scope]
  })
  return named.length === 0 ? [{ what: 'all' }] : named
}

const remedies = {
  domain: 'write a domain',
  route: 'write the next hop',
  from: 'write an address, @domain, or <>',
  to: 'write an address or @domain',
} as const

/** What a pause would keep, or a resume would let go, of what is queued now. */
export interface Concerned extends Applied {
  readonly scope: PauseScope
  /** A resume of what is not paused changes nothing. */
  readonly isPaused: boolean
}

/** @throws PosternError as `steerQueue` */
export async function concernedBy(
  folder: string,
  what: 'pause' | 'resume',
  scopes: readonly PauseScope[],
): Promise<readonly Concerned[]> {
  const answer = what === 'pause' ? undefined : await steerQueue(folder, { what: 'pauses' })
  const paused = answer?.what === 'pauses' ? answer.scopes : scopes
  const concerned: Concerned[] = []
  for (const scope of scopes) {
    const isPaused = paused.some((other) => isSameScope(other, scope))
    const waiting = isPaused ? await waitingFor(folder, scope) : { count: 0, ids: [] }
    concerned.push({ scope, isPaused, ...waiting })
  }
  return concerned
}

async function waitingFor(folder: string, scope: PauseScope): Promise<Applied> {
  const selection = selectionOf(scope)
  const request = { what: 'apply', action: 'hold', selection, dryRun: true } as const
  const answer = await steerQueue(folder, request)
  return answer.what === 'applied' ? answer.applied : { count: 0, ids: [] }
}

/** Not fit for a terminal as it is: names come from whoever wrote them. */
export function wordsOf(scope: PauseScope): string {
  if (scope.what === 'all') return 'everything'
  const name = scope.name.toLowerCase()
  const isAddress = scope.what === 'from' || scope.what === 'to'
  return isAddress ? `mail ${scope.what} ${name}` : `the ${scope.what} ${name}`
}
