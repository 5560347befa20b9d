/**
 * Delivery into a Maildir (https://cr.yp.to/proto/maildir.html). Promises: `delivered` means that the
 * file and its name in `new/` are on stable storage, and no file that was there has been touched.
 * A disk that fails defers; a message that came by here before fails. What a failed try wrote is removed.
 */
import { dirname } from 'node:path'
import type { DeliveryResult } from '../../mail/delivery-result.ts'
import type { Envelope, Recipient } from '../../mail/envelope.ts'
import { isPosternError, type PosternError } from '../../mail/errors.ts'
import type { Message } from '../../mail/message.ts'
import { isLimited } from '../../mail/quota.ts'
import type { MaildirRoute } from '../../mail/route.ts'
import { deliveredTo, deliveredToField, returnPathField } from '../../mail/trace-fields.ts'
import type { Disk } from '../../runtime/disk.ts'
import { exists } from '../../runtime/missing.ts'
import type { Transport } from '../transport.ts'
import { lfLines } from '../../formats/lf-lines.ts'
import { MaildirQuotas } from './maildir-quotas.ts'
import {
  inOnePiece,
  MaildirWriter,
  writeBytes,
  type MaildirContent,
  type MaildirOptions,
} from './maildir-writer.ts'

export function maildirTransport(options: MaildirOptions): Transport<MaildirRoute> {
  const writer = new MaildirWriter(options)
  const quotas = new MaildirQuotas(options)
  /** Maildirs that are there for whoever looks, and not yet on stable storage. */
  const making = new Map<string, Promise<void>>()

  function make(path: string): Promise<void> {
    const made = makeMaildir(options.disk, path).finally(() => making.delete(path))
    making.set(path, made)
    return made
  }

  /** Messages for several Maildirs, as they are written. */
  const bodies = new WeakMap<Message, Promise<Uint8Array>>()

  function contentOf(copy: Copy): MaildirContent | Promise<MaildirContent> {
    const { message } = copy
    const header = headerOf(copy)
    if (message.sizeBytes > writeBytes) return { header, message: lfLines(message.read()) }
    const known = bodies.get(message)
    const body = known ?? bodyOf(message)
    if (known === undefined) bodies.set(message, body)
    return body.then((whole) => ({ header, message: whole }))
  }

  async function write(path: string, copy: Copy, taken?: () => void): Promise<number> {
    const before = making.get(path)
    if (before !== undefined) await before
    try {
      const sizeBytes = await writer.write(path, await contentOf(copy), taken)
      // Another delivery may have made the folders before the drop came to this file, and not have synced them yet.
      await making.get(path)
      return sizeBytes
    } catch (error) {
      if (!isPosternError(error, 'NOT_FOUND')) throw error
      await (making.get(path) ?? make(path))
      return writer.write(path, await contentOf(copy))
    }
  }

  async function deliverTo(
    route: MaildirRoute,
    copy: Copy,
    taken?: () => void,
  ): Promise<DeliveryResult> {
    const { path, quota } = route
    if (comesBack(copy)) return looping
    try {
      if (quota === undefined || !isLimited(quota)) await write(path, copy, taken)
      else {
        const limit = { path, quota, sizeBytes: copy.message.sizeBytes }
        const done = await quotas.deliver(limit, () => write(path, copy, taken))
        if (done === 'full') return mailboxFull(route)
      }
      return { outcome: 'delivered', status: '2.0.0', text: 'Delivered to the Maildir' }
    } catch (error) {
      if (isPosternError(error)) return diskTrouble(error)
      throw error
    }
  }

  return {
    async deliver({ message, envelope, recipients, route, yields }, signal) {
      const results: DeliveryResult[] = []
      for (const [at, recipient] of recipients.entries()) {
        const copy = { message, envelope, recipient }
        const taken = at === recipients.length - 1 ? yields : undefined
        results.push(signal.aborted ? calledOff : await deliverTo(route, copy, taken))
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

export const looping: DeliveryResult = {
  outcome: 'failed',
  status: '5.4.6',
  text: 'This message is looping: it already has my Delivered-To line',
}

const calledOff: DeliveryResult = {
  outcome: 'deferred',
  status: '4.3.2',
  text: 'The delivery was called off',
}

function mailboxFull({ overQuota }: MaildirRoute): DeliveryResult {
  const text = 'The mailbox is full'
  return overQuota === 'defer'
    ? { outcome: 'deferred', status: '4.2.2', text }
    : { outcome: 'failed', status: '5.2.2', text }
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

function headerOf({ envelope, recipient }: Copy): Uint8Array {
  const fields = returnPathField(envelope.reversePath) + deliveredToField(recipient.mailbox)
  return Buffer.from(fields.replaceAll('\r\n', '\n'))
}

async function bodyOf(message: Message): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let sizeBytes = 0
  for await (const part of lfLines(message.read())) {
    parts.push(part)
    sizeBytes += part.length
  }
  return inOnePiece(parts, sizeBytes)
}

/** Whether the message was delivered to this recipient before. */
export function comesBack({ message, recipient }: Pick<Copy, 'message' | 'recipient'>): boolean {
  return message.header.all('Delivered-To').includes(deliveredTo(recipient.mailbox).trim())
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
