import { setMessageAside } from '../queue/damaged.ts'
import { spoolLayout } from '../queue/spool-layout.ts'
import type { Doors } from '../runtime/doors.ts'
import { CrashNotes } from '../workers/crash-notes.ts'
import type { Seat } from '../workers/messages.ts'

/** Where a worker notes what it judges. Without it mail is taken too: a disk that fails is reason enough for a warning. */
export async function openCrashNotes(
  { disk, clock, log }: Pick<Doors, 'disk' | 'clock' | 'log'>,
  spool: string,
  { number: worker, wariness }: Seat,
): Promise<CrashNotes | undefined> {
  const { judging: path, damaged } = spoolLayout(spool)
  try {
    return await CrashNotes.open({
      disk,
      clock,
      log,
      path,
      worker,
      wariness,
      setAside: (suspect) => setMessageAside(disk, damaged, suspect),
    })
  } catch (error) {
    log.warn('crash-notes.not-opened', { path, error: String(error) })
    return undefined
  }
}
