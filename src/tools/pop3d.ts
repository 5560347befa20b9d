import { OctetBook } from '../pop3/octet-book.ts'
import { serveMaildrop } from '../pop3/serve-maildrop.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { readDescriptor } from '../runtime/node/descriptor.ts'
import { systemDisk } from '../runtime/node/disk.ts'

/**
 * Serves a Maildir to whom descriptor 0 comes from, for `postern pop3d`.
 * @param write resolves when there is room for more
 * @returns whether there was one
 */
export function serveByPop3(
  path: string,
  write: (data: string | Uint8Array) => Promise<void>,
): Promise<boolean> {
  return serveMaildrop({
    path,
    doors: { disk: systemDisk, clock: systemClock, octets: new OctetBook() },
    input: readDescriptor(0),
    write,
  })
}
