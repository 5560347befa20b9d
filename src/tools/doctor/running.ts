/** What the gateway says of itself, where it runs, and what it has set aside. */
import { legible } from '../../formats/plain-line.ts'
import type { GatewayStatus } from '../supervisor-requests.ts'
import { problem, warning, well, type Examination } from './examination.ts'

/** `not ours to ask`: it seems to run. */
export type SeenStatus = GatewayStatus | 'not ours to ask' | undefined

export function examineGateway(folder: string, status: SeenStatus): readonly Examination[] {
  if (status === undefined) {
    return [warning('gateway', 'does not run', `postern start --config ${folder}`)]
  }
  if (status === 'not ours to ask') {
    const remedy = 'ask as the user that runs it; postern stat says who that is'
    return [warning('gateway', 'seems to run, and this user may not ask it', remedy)]
  }
  const since = new Date(status.startedAt).toISOString()
  return [well('gateway', `runs since ${since} (pid ${status.pid})`), ...troublesOf(folder, status)]
}

function troublesOf(
  folder: string,
  { workers, storeTrouble, logTrouble, lastReload }: GatewayStatus,
): readonly Examination[] {
  const dead = workers.filter(({ state }) => state !== 'open').map(({ number }) => number)
  return [
    ...(dead.length === 0
      ? []
      : [problem('gateway', `does not run whole: worker ${dead.join(', ')}`, 'postern stat')]),
    ...(storeTrouble === undefined
      ? []
      : [problem('store', `fails: ${legible(storeTrouble)}`, 'df, ls -l and the log say more')]),
    ...(logTrouble === undefined
      ? []
      : [problem('log', `cannot be written: ${legible(logTrouble)}`, 'make room where it lies')]),
    ...(lastReload === undefined || lastReload.ok
      ? []
      : [
          warning(
            'configuration',
            'the one on the disk was not taken, and the one before it is in force',
            `postern check --config ${folder}`,
          ),
        ]),
  ]
}

/** @param paths of damaged databases beside those in use */
export function examineSetAside(paths: readonly string[]): readonly Examination[] {
  return paths.map((path) =>
    warning(
      'store',
      `${path} was damaged, and set aside: what it knew is forgotten`,
      `look at it, then: rm ${path}*`,
    ),
  )
}
