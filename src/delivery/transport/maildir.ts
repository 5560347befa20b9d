/**
 * Delivery into a Maildir (https://cr.yp.to/proto/maildir.html). Promises: `delivered` means that the
 * file and its name in `new/` are on stable storage, and no file that was there has been touched.
 * A disk that fails defers; a message that came by here before fails. What a failed try wrote is removed.
 */
import { dirname } from 'node:path'
import { formatMailbox } from '../../mail/address.ts'
import type { DeliveryResult } from '../../mail/delivery-result.ts'
import type { Envelope, Recipient } from '../../mail/envelope.ts'
import { isPosternError, type PosternError } from '../../mail/errors.ts'
import type { Message } from '../../mail/message.ts'
import type { MaildirRoute } from '../../mail/route.ts'
import { deliveredToField, returnPathField } from '../../mail/trace-fields.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Disk, DiskFile } from '../../runtime/disk.ts'
import type { HostProcess } from '../../runtime/process.ts'
import type { Random } from '../../runtime/random.ts'
import type { Transport } from '../transport.ts'
import { FolderSyncs } from './folder-syncs.ts'
import { lfLines } from './lf-lines.ts'

export interface MaildirOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly process: Pick<HostProcess, 'pid'>
  /** Our own name, part of every file's name. */
  readonly hostname: string
}

/** So much is gathered before it is written. */
const writeBytes = 262_144

export function maildirTransport(options: MaildirOptions): Transport<MaildirRoute> {
  const nextName = uniqueNames(options)
  const doors = { disk: options.disk, syncs: new FolderSyncs(options.disk) }

  async function deliverTo(path: string, copy: Copy): Promise<DeliveryResult> {
    if (comesBack(copy)) return looping
    try {
      const write = (): Promise<void> => writeCopy(doors, { path, copy, name: nextName() })
      try {
        await write()
      } catch (error) {
        if (!isPosternError(error, 'NOT_FOUND')) throw error
        await makeMaildir(options.disk, path)
        await write()
      }
      return { outcome: 'delivered', status: '2.0.0', text: 'Delivered to the Maildir' }
    } catch (error) {
      if (isPosternError(error)) return diskTrouble(error)
      throw error
    }
  }

  return {
    async deliver({ message, envelope, recipients, route }, signal) {
      const results: DeliveryResult[] = []
      for (const recipient of recipients) {
        const copy = { message, envelope, recipient }
        results.push(signal.aborted ? calledOff : await deliverTo(route.path, copy))
      }
      return results
    },
  }
}

interface Copy {
  readonly message: Message
  readonly envelope: Envelope
  readonly recipient: Recipient
}

const looping: DeliveryResult = {
  outcome: 'failed',
  status: '5.4.6',
  text: 'This message is looping: it already has my Delivered-To line',
}

const calledOff: DeliveryResult = {
  outcome: 'deferred',
  status: '4.3.2',
  text: 'The delivery was called off',
}

function diskTrouble(error: PosternError): DeliveryResult {
  return error.code === 'DISK_FULL'
    ? { outcome: 'deferred', status: '4.3.1', text: 'No space is left for this mailbox' }
    : {
        outcome: 'deferred',
        status: '4.3.0',
        text: `The mailbox can not be written: ${error.message}`,
      }
}

function comesBack({ message, recipient }: Copy): boolean {
  return message.header.all('Delivered-To').includes(formatMailbox(recipient.mailbox))
}

/**
 * `time.MusecPpidQserialRrandom.host`: no other delivery, process, start or host makes the same name,
 * so the rename into new/ can not hit a file that is there.
 */
function uniqueNames({ clock, random, process, hostname }: MaildirOptions): () => string {
  const host = hostname.replaceAll('/', '\\057').replaceAll(':', '\\072')
  let serial = 0
  return () => {
    const now = clock.now()
    const chance = Buffer.from(random.bytes(4)).toString('hex')
    const unique = `M${(now % 1000) * 1000}P${process.pid}Q${++serial}R${chance}`
    return `${Math.floor(now / 1000)}.${unique}.${host}`
  }
}

interface Writing {
  readonly path: string
  readonly copy: Copy
  readonly name: string
}

async function writeCopy(
  { disk, syncs }: { readonly disk: Disk; readonly syncs: FolderSyncs },
  { path, copy, name }: Writing,
): Promise<void> {
  const file = `${path}/tmp/${name}`
  const open = await disk.open(file, 'create')
  try {
    const sizeBytes = await writeMessage(open, copy)
    await disk.rename(file, `${path}/new/${name},S=${sizeBytes}`)
  } catch (error) {
    // Whatever this meets, the first error is the one that tells what happened.
    await disk.remove(file).catch(() => undefined)
    throw error
  }
  await syncs.sync(`${path}/new`)
}

/** Returns with the file synced and closed. */
async function writeMessage(
  file: DiskFile,
  { message, envelope, recipient }: Copy,
): Promise<number> {
  const fields = returnPathField(envelope.reversePath) + deliveredToField(recipient.mailbox)
  let parts: Uint8Array[] = [Buffer.from(fields.replaceAll('\r\n', '\n'))]
  let gathered = parts[0]?.length ?? 0
  let written = 0
  const flush = async (): Promise<void> => {
    await file.write(parts, written)
    written += gathered
    gathered = 0
    parts = []
  }
  try {
    for await (const chunk of lfLines(message.read())) {
      parts.push(chunk)
      gathered += chunk.length
      if (gathered >= writeBytes) await flush()
    }
    if (gathered > 0) await flush()
    await file.sync()
    return written
  } finally {
    await file.close()
  }
}

/** `tmp` comes last: where it is, the others are. Every folder that got a new name in it is synced. */
async function makeMaildir(disk: Disk, path: string): Promise<void> {
  const folders = await above(disk, path)
  for (const part of ['cur', 'new', 'tmp']) await disk.makeDirectory(`${path}/${part}`)
  for (const folder of folders) await disk.syncDirectory(folder)
}

/**
 * The Maildir, the folder of its domain, the mail root, and above that as far as nothing was there. The first
 * three always: another delivery may have made them a moment ago, and not have synced them yet.
 */
async function above(disk: Disk, path: string): Promise<readonly string[]> {
  const folders = [path, dirname(path), dirname(dirname(path))]
  let top = dirname(dirname(path))
  while (dirname(top) !== top && !(await exists(disk, top))) folders.push((top = dirname(top)))
  return folders
}

async function exists(disk: Disk, path: string): Promise<boolean> {
  try {
    await disk.stat(path)
    return true
  } catch (error) {
    if (isPosternError(error, 'NOT_FOUND')) return false
    throw error
  }
}
