import type { Configuration } from '../config/configuration.ts'
import type { LogFields } from '../runtime/log.ts'
import { jsonLog } from '../runtime/node/log.ts'

/** The log of one process; several may write to one file. */
export function openLog(
  { level, to }: Configuration['log'],
  always?: LogFields,
): ReturnType<typeof jsonLog> {
  return jsonLog({ level, to: to === 'stderr' ? 2 : to === 'stdout' ? 1 : to, always })
}
