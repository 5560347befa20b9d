/** A gateway whose spool can be looked at, and whether it holds every promise that a ledger knows of. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readSpool } from '../../src/queue/read-spool.ts'
import { systemDisk } from '../../src/runtime/node/disk.ts'
import { checkout, gatewayFolder, type GatewayFolder } from '../end-to-end/started-gateway.ts'
import { foundIn, type Ledger } from './ledger-sender.ts'

/** The sample configuration; what it takes it keeps. */
export function holdingFolder(): Promise<GatewayFolder> {
  return gatewayOn('../var', { paused: true })
}

/** The same, with spool and mail in this folder. */
export async function gatewayOn(
  path: string,
  { paused }: { readonly paused: boolean },
): Promise<GatewayFolder> {
  const sample = await readFile(join(checkout, 'config/postern.yaml'), 'utf8')
  return gatewayFolder(
    sample
      .replace('maildirs: ../var', `paused: ${paused}\n  maildirs: ${path}`)
      .replace('  path: ../var/spool', `  path: ${path}/spool\n  segment_size: 8MB`),
  )
}

export const spoolOf = ({ root }: GatewayFolder): string => join(root, 'var/spool')

/**
 * Every word that is not kept. The spool is read without its lock, from its files as they are.
 * @param maildir where deliveries go, if they do
 */
export async function brokenPromises(
  spool: string,
  ledger: Ledger,
  maildir?: string,
): Promise<readonly string[]> {
  const { mail, broken } = await queuedIn(spool)
  const queued = foundIn(mail)
  const found = foundIn([...mail, ...(maildir === undefined ? [] : await deliveredIn(maildir))])
  for (const [id, digest] of ledger.acknowledged) {
    const copies = found.get(id) ?? []
    if (copies.length === 0) broken.push(`${id} is lost`)
    else if (copies.some((copy) => copy !== digest)) broken.push(`${id} is not what was sent`)
    else if ((queued.get(id)?.length ?? 0) > 1) broken.push(`${id} is queued twice`)
  }
  for (const id of ledger.refused.keys()) if (found.has(id)) broken.push(`${id} was refused`)
  return broken
}

async function queuedIn(spool: string): Promise<{ mail: string[]; broken: string[] }> {
  const mail: string[] = []
  const broken: string[] = []
  for await (const entry of readSpool(systemDisk, spool)) {
    if ('damaged' in entry) {
      // What was being written when the power went is cut short, and was not promised; a missing file would be.
      if (entry.reason.includes('missing')) broken.push(entry.reason)
      continue
    }
    const chunks: Uint8Array[] = []
    for await (const chunk of entry.message.read()) chunks.push(chunk)
    mail.push(Buffer.concat(chunks).toString('latin1').replaceAll('\r\n', '\n'))
  }
  return { mail, broken }
}

async function deliveredIn(maildir: string): Promise<readonly string[]> {
  const path = join(maildir, 'new')
  const names = await readdir(path).catch((): string[] => [])
  return Promise.all(names.map((name) => readFile(join(path, name), 'latin1')))
}
