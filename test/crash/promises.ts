/** A gateway that keeps what it takes, and whether its spool holds every promise that a ledger knows of. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readSpool } from '../../src/queue/read-spool.ts'
import { systemDisk } from '../../src/runtime/node/disk.ts'
import { gatewayFolder, type GatewayFolder } from '../end-to-end/started-gateway.ts'
import { foundIn, type Ledger } from './ledger-sender.ts'
import { checkout } from '../end-to-end/started-gateway.ts'

/** @param spool where it lies; beside the configuration by default */
export async function holdingFolder(spool?: string): Promise<GatewayFolder> {
  const sample = await readFile(join(checkout, 'config/postern.yaml'), 'utf8')
  const yaml = sample
    .replace('delivery:', 'delivery:\n  paused: true')
    .replace('  path: ../var/spool', `  path: ${spool ?? '../var/spool'}\n  segment_size: 8MB`)
  return gatewayFolder(yaml)
}

export const spoolOf = ({ root }: GatewayFolder): string => join(root, 'var/spool')

/** Every word that the spool does not keep. Read without its lock, from its files as they are. */
export async function brokenPromises(spool: string, ledger: Ledger): Promise<readonly string[]> {
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
  const found = foundIn(mail)
  for (const [id, digest] of ledger.acknowledged) {
    const copies = found.get(id) ?? []
    if (copies.length === 0) broken.push(`${id} is lost`)
    else if (copies.some((copy) => copy !== digest)) broken.push(`${id} is not what was sent`)
    else if (copies.length > 1) broken.push(`${id} is there ${copies.length} times`)
  }
  for (const id of ledger.refused.keys()) if (found.has(id)) broken.push(`${id} was refused`)
  return broken
}
