/** `autorespond seconds number text folder [flag from]`: answers, and not too often. */
import { join } from 'node:path'
import { automaticReply, silenceFor } from '../../formats/automatic-reply.ts'
import { readMessage } from '../../formats/inject/header-lines.ts'
import { latin1, latin1Bytes, lowerAscii, utf8Octets } from '../../formats/octets.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import { mailOn, variable, wholeInput, type Surroundings } from './surroundings.ts'
import type { ToolEnd } from './tool-end.ts'

const usageText = 'autorespond: usage: time num message dir [ flag arsender ]\n'
/** Of the addresses that are remembered: an address has fewer bytes. */
const mostAddressBytes = 2048

export async function autorespond(call: Surroundings): Promise<ToolEnd> {
  const [seconds = '', number = '', textFile = '', folder, flag = '1', from = '$'] = call.args
  if (folder === undefined || call.args.length > 6) return { exit: 111, out: '', err: usageText }
  const message = latin1(await wholeInput(call))
  const text = contentOf(textFile)
  if (text === undefined) return said(111, 'Failed to open message file.')
  const sender = variable(call, 'SENDER') ?? ''
  const silence = silenceFor(sender, readMessage(message).fields)
  if (silence !== undefined) return said(silence.loop ? 100 : 0, silence.because)
  const answered = await answeredBefore(call, {
    folder,
    sender,
    seconds: Number.parseInt(seconds) || 0,
  })
  if (typeof answered !== 'number') return answered
  if (answered > (Number.parseInt(number) || 0)) {
    return said(0, `too many received from [${sender}]`)
  }
  const reply = { to: sender, from: fromOf(call, from), text, quote: Number.parseInt(flag) === 1 }
  const sent = await mailOn('autorespond', call, {
    sender: reply.from,
    recipients: [sender],
    line: ownFields(call),
    message: latin1Bytes(automaticReply(reply, message)),
  })
  // As the original: an answer that cannot be sent is no reason to refuse what was answered.
  return 'queued' in sent ? { exit: 0, out: '', err: '' } : { ...sent, exit: 0 }
}

function said(exit: 0 | 100 | 111, what: string): ToolEnd {
  return { exit, out: '', err: `AUTORESPOND: ${what}\n` }
}

function fromOf(call: Surroundings, from: string): string {
  if (from.startsWith('+')) return ''
  if (!from.startsWith('$')) return utf8Octets(from)
  return `${variable(call, 'EXT') ?? ''}@${variable(call, 'HOST') ?? 'localhost'}`
}

function ownFields({ now, pid, hostname }: Surroundings): string {
  const instant = now()
  const [, day, month, year, time] = new Date(instant).toUTCString().split(' ')
  const id = `${Math.floor(instant / 1000)}.${pid}.autorespond@${hostname}`
  return `Date: ${Number(day)} ${month} ${year} ${time} -0000\nMessage-ID: <${id}>\n`
}

function contentOf(path: string): string | undefined {
  try {
    return latin1(systemDisk.readFileNow(path))
  } catch {
    // Whatever keeps us from it: there is nothing that we could say.
    return undefined
  }
}

interface Remembering {
  readonly folder: string
  readonly sender: string
  readonly seconds: number
}

/**
 * Remembers this message too: a file `A<pid>.<time>` with the sender in it, and those that are older go.
 * @returns how many there are of this sender
 */
async function answeredBefore(
  call: Surroundings,
  { folder, sender, seconds }: Remembering,
): Promise<number | ToolEnd> {
  const now = Math.floor(call.now() / 1000)
  let names: readonly string[]
  try {
    names = await systemDisk.list(folder)
  } catch {
    return said(111, 'Failed to change into directory.')
  }
  if (!(await remember(join(folder, `A${call.pid}.${now}`), sender))) {
    return said(111, `Unable to create file for [${sender}].`)
  }
  let count = 1
  for (const name of names) {
    const [, time] = /^A[^.]*\.(\d+)/.exec(name) ?? []
    if (time === undefined) continue
    const path = join(folder, name)
    // oxlint-disable-next-line no-await-in-loop -- one folder, file by file
    if (Number(time) < now - seconds) await systemDisk.remove(path).catch(() => undefined)
    else if (isOf(path, sender)) count += 1
  }
  return count
}

async function remember(path: string, sender: string): Promise<boolean> {
  try {
    const file = await systemDisk.open(path, 'create')
    try {
      await file.write([latin1Bytes(sender)], 0)
    } finally {
      await file.close()
    }
    return true
  } catch {
    // Said by the caller: without a memory there would be answers without end.
    return false
  }
}

function isOf(path: string, sender: string): boolean {
  try {
    return lowerAscii(latin1(systemDisk.readFileNow(path, mostAddressBytes))) === lowerAscii(sender)
  } catch {
    // Another process has just removed it.
    return false
  }
}
