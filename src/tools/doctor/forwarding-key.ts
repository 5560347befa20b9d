/** Whether the key is there, or can be made, by which senders of forwarded mail are rewritten (SRS). */
import { join } from 'node:path'
import type { Configuration } from '../../config/configuration.ts'
import type { Disk } from '../../runtime/disk.ts'
import { problem, well, type Examination } from './examination.ts'

const about = 'forwarding'

/** @returns nothing where nobody is rewritten, and where the gateway works as root. Root that starts it as another user makes the key. */
export async function examineForwardingKey(
  {
    folder,
    delivery,
    spool,
  }: Pick<Configuration, 'folder'> & {
    readonly delivery: Pick<Configuration['delivery'], 'srs'>
    readonly spool: Pick<Configuration['spool'], 'path'>
  },
  { disk, uid }: { readonly disk: Pick<Disk, 'stat'>; readonly uid: number | undefined },
): Promise<readonly Examination[]> {
  if (!delivery.srs || uid === undefined) return []
  const statOf = (path: string) => disk.stat(path).catch(() => undefined)
  const worker = uid === 0 ? (await statOf(spool.path))?.uid : uid
  if (worker === undefined || worker === 0) return []
  const control = join(folder, 'control')
  const path = join(control, 'srs.secret')
  if ((await statOf(path)) !== undefined) return [well(about, `${path} is there`)]
  const there = await statOf(control)
  if (there === undefined) return []
  // Who is in its group nobody says here.
  const mayWrite = there.uid === worker ? 0o200 : 0o022
  if ((there.mode & mayWrite) !== 0) return [well(about, `${path} can be made`)]
  const unless = uid === 0 ? ' (root makes it where root starts the gateway)' : ''
  const says = `${path} is missing, and uid ${worker}, as whom the gateway works, may not make it${unless}: mail is sent on under the names of its senders, which their SPF forbids`
  const remedy = `(umask 077; openssl rand -base64 24 > ${path}); chown ${worker} ${path}`
  return [problem(about, says, remedy)]
}
