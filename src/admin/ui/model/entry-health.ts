import type { ChainEntry } from '../../schemas/chain.ts'
import type { Look } from './outcomes.ts'

/** Whether an entry gets its answers: by its breaker where it has one, else by its faults of the last hour. */
export function healthOf({ breaker, numbers }: ChainEntry): Look {
  if (breaker === 'open') return { word: 'does not answer', tone: 'bad', icon: 'cross' }
  if (breaker === 'probing') return { word: 'on trial', tone: 'wait', icon: 'clock' }
  if (numbers !== undefined && (numbers.recentFaults ?? numbers.faults) > 0) {
    return { word: 'had faults', tone: 'wait', icon: 'warn' }
  }
  return { word: 'well', tone: 'good', icon: 'check' }
}
