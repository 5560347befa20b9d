/** Delivery into a Maildir that is named in a .qmail file: it must be there. */
import { isPosternError } from '../../mail/errors.ts'
import { latin1Bytes } from '../../formats/octets.ts'
import type { MaildirWriter } from '../transport/maildir-writer.ts'
import type { Disk } from '../../runtime/disk.ts'
import { fileName } from './dot-qmail-file.ts'
import type { DeliveryLines } from './local-address.ts'
import { reasonOf, soft, type Trouble } from './trouble.ts'

export interface MaildirDelivery {
  /** Relative paths begin at `home`; ends with a slash. */
  readonly path: string
  readonly home: string
  readonly lines: DeliveryLines
  /** With LF line ends. */
  readonly message: AsyncIterable<Uint8Array>
}

export interface MaildirDoors {
  readonly disk: Disk
  readonly maildirs: MaildirWriter
}

export async function deliverToMaildir(
  { disk, maildirs }: MaildirDoors,
  { path, home, lines, message }: MaildirDelivery,
): Promise<Trouble | undefined> {
  const absolute = fileName(path.startsWith('/') ? path : `${home}/${path}`).replace(/\/+$/, '')
  if (!(await isFolder(disk, absolute))) return soft('Unable to chdir to maildir. (#4.2.1)')
  try {
    const header = latin1Bytes(lines.returnPath + lines.deliveredTo)
    await maildirs.write(absolute, { header, message })
    return undefined
  } catch (error) {
    return soft(`Temporary error on maildir delivery: ${reasonOf(error)}. (#4.3.0)`)
  }
}

async function isFolder(disk: Disk, path: string): Promise<boolean> {
  try {
    return (await disk.stat(path)).kind === 'directory'
  } catch (error) {
    if (isPosternError(error)) return false
    throw error
  }
}
