/** The operator's signals that ask something of a gateway which is open: without a handler they would end one that still opens. */
import type { HostProcess } from '../runtime/process.ts'
import type { Supervisor } from './supervisor.ts'

type Asked = 'reload' | 'retryNow'

/**
 * SIGHUP and SIGALRM. Those that come while it opens are heeded afterwards, each once.
 * @returns to be called once the gateway is open
 */
export function whenOpen({
  onSignal,
}: Pick<HostProcess, 'onSignal'>): (supervisor: Pick<Supervisor, Asked>) => void {
  const missed = new Set<Asked>()
  let heed = (what: Asked): void => void missed.add(what)
  onSignal('SIGHUP', () => heed('reload'))
  onSignal('SIGALRM', () => heed('retryNow'))
  return (supervisor) => {
    heed = (what) => void supervisor[what]()
    for (const what of missed) heed(what)
  }
}
