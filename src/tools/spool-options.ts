/** How the gateway opens its spool, by the configuration in force. */
import type { Configuration } from '../config/configuration.ts'
import type { SpoolOptions } from '../queue/open-spool.ts'
import { spoolMeter } from '../queue/spool-meter.ts'
import type { Doors } from '../runtime/doors.ts'
import { handoverRecorder } from './handover-recorder.ts'
import { openRewriting } from './open-rewriting.ts'

export function spoolOptions(
  doors: Doors,
  path: string,
  current: () => Configuration,
): SpoolOptions {
  const rewriting = openRewriting({ ...doors, current })
  return {
    ...doors,
    path,
    segmentBytes: current().spool.segmentBytes,
    everyoneHandsOver: doors.process.uid === 0 || doors.deliverer !== undefined,
    meter: spoolMeter(doors.metrics),
    handedShares: (envelope, { header }) => rewriting.sharesOfHanded(envelope, header),
    handedOver: handoverRecorder(doors.traces, doors.clock),
  }
}
