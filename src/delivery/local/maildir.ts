/** Delivery into a Maildir that is named in a .qmail file: it must be there, and has the quota that its maildirsize names. */
import { isPosternError } from '../../mail/errors.ts'
import { latin1Bytes } from '../../formats/octets.ts'
import { isLimited } from '../../mail/quota.ts'
import type { MaildirQuotas } from '../transport/maildir-quotas.ts'
import type { MaildirWriter } from '../transport/maildir-writer.ts'
import type { Disk } from '../../runtime/disk.ts'
import { fileName } from './dot-qmail-file.ts'
import type { DeliveryLines } from './local-address.ts'
import { hard, reasonOf, soft, type Trouble } from './trouble.ts'

export interface MaildirDelivery {
  /** Relative paths begin at `home`; ends with a slash. */
  readonly path: string
  readonly home: string
  readonly lines: DeliveryLines
  /** With LF line ends, from its beginning each time. */
  readonly message: () => AsyncIterable<Uint8Array>
}

export interface MaildirDoors {
  readonly disk: Disk
  readonly maildirs: MaildirWriter
  readonly quotas: MaildirQuotas
}

export async function deliverToMaildir(
  doors: MaildirDoors,
  { path, home, lines, message }: MaildirDelivery,
): Promise<Trouble | undefined> {
  const absolute = fileName(path.startsWith('/') ? path : `${home}/${path}`).replace(/\/+$/, '')
  if (!(await isFolder(doors.disk, absolute))) return soft('Unable to chdir to maildir. (#4.2.1)')
  const header = latin1Bytes(lines.returnPath + lines.deliveredTo)
  try {
    return (await put(doors, { path: absolute, header, message })) === 'full'
      ? hard("Recipient's mailbox is full, message returned to sender. (#5.2.2)")
      : undefined
  } catch (error) {
    return soft(`Temporary error on maildir delivery: ${reasonOf(error)}. (#4.3.0)`)
  }
}

interface Content {
  readonly path: string
  readonly header: Uint8Array
  readonly message: () => AsyncIterable<Uint8Array>
}

async function put(
  { maildirs, quotas }: MaildirDoors,
  { path, header, message }: Content,
): Promise<'delivered' | 'full'> {
  const write = (): Promise<number> => maildirs.write(path, { header, message: message() })
  const quota = await quotas.quotaOf(path)
  if (quota !== undefined && isLimited(quota)) {
    const sizeBytes = header.length + (await lengthOf(message()))
    return quotas.deliver({ path, quota, sizeBytes }, write)
  }
  await write()
  return 'delivered'
}

async function lengthOf(message: AsyncIterable<Uint8Array>): Promise<number> {
  let sizeBytes = 0
  for await (const chunk of message) sizeBytes += chunk.length
  return sizeBytes
}

async function isFolder(disk: Disk, path: string): Promise<boolean> {
  try {
    return (await disk.stat(path)).kind === 'directory'
  } catch (error) {
    if (isPosternError(error)) return false
    throw error
  }
}
