/**
 * The gateway's own certificate, self-signed: made at the first start for listeners that name none, kept, and made anew
 * when it is about to expire. Two files in one folder, named after the host; the key is its owner's alone (0600).
 */
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { selfSignedCertificate } from '../formats/self-signed.ts'
import { asciiDomain } from '../mail/domain.ts'
import { isPosternError, PosternError } from '../mail/errors.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Disk, DiskLock } from '../runtime/disk.ts'
import type { TlsIdentity } from '../runtime/net.ts'
import type { Random } from '../runtime/random.ts'

export interface OwnCertificateDoors {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
}

export interface OwnCertificateRequest {
  readonly folder: string
  /** Our name. */
  readonly hostname: string
}

const dayMs = 86_400_000
const lifetimeMs = 3650 * dayMs
/** Made anew so long before it expires. */
const renewalMs = 30 * dayMs
/** Clocks differ: in force a little before it is made. */
const earlierMs = dayMs

/** Where it lies. */
export function ownCertificatePath({ folder, hostname }: OwnCertificateRequest): string {
  return join(folder, `${asciiDomain(hostname)}.pem`)
}

/**
 * Reads it, or makes it where there is none.
 * @throws PosternError DISK_FULL, DISK_FAILED, TIMEOUT
 */
export async function ownCertificate(
  request: OwnCertificateRequest,
  doors: OwnCertificateDoors,
): Promise<TlsIdentity> {
  const { disk, clock } = doors
  const files = filesOf(request)
  const kept = await read(files, disk)
  if (isGood(kept, clock)) return kept
  await disk.makeDirectory(request.folder)
  const lock = await locked(join(request.folder, 'lock'), doors)
  try {
    // Another process may have made it while we waited.
    const made = await read(files, disk)
    if (isGood(made, clock)) return made
    const identity = makeIdentity(request.hostname, doors)
    await write(files.key, identity.key, disk)
    await write(files.certificate, identity.certificate, disk)
    await disk.syncDirectory(request.folder)
    return identity
  } finally {
    await lock.release()
  }
}

interface Files {
  readonly certificate: string
  readonly key: string
}

function filesOf(request: OwnCertificateRequest): Files {
  const certificate = ownCertificatePath(request)
  return { certificate, key: certificate.replace(/pem$/, 'key') }
}

async function read(files: Files, disk: Disk): Promise<TlsIdentity | undefined> {
  const textOf = async (path: string): Promise<string> =>
    new TextDecoder().decode(await disk.readFile(path, 65_536))
  try {
    return { certificate: await textOf(files.certificate), key: await textOf(files.key) }
  } catch (error) {
    if (isPosternError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}

/** Files that are no certificate with its key were copied or restored in half: as good as none. */
function isGood(identity: TlsIdentity | undefined, clock: Clock): identity is TlsIdentity {
  if (identity === undefined) return false
  try {
    const certificate = new X509Certificate(identity.certificate)
    const inTime = certificate.validToDate.getTime() - clock.now() > renewalMs
    return inTime && certificate.checkPrivateKey(createPrivateKey(identity.key))
  } catch {
    return false
  }
}

/** One that nobody keeps yet. */
export function makeIdentity(
  hostname: string,
  { clock, random }: Pick<OwnCertificateDoors, 'clock' | 'random'>,
): TlsIdentity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const now = clock.now()
  const certificate = selfSignedCertificate({
    names: [asciiDomain(hostname)],
    notBefore: now - earlierMs,
    notAfter: now + lifetimeMs,
    serial: random.bytes(16),
    privateKey,
    publicKey,
  })
  return { certificate, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }
}

/** There as a whole or not at all. */
async function write(path: string, text: string, disk: Disk): Promise<void> {
  const fresh = `${path}.new`
  const file = await disk.open(fresh, 'open')
  try {
    await file.truncate(0)
    await file.write([Buffer.from(text)], 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(fresh, path)
}

const lockTries = 100
const lockPauseMs = 50

/** Waits for whoever is making it at this moment. */
async function locked(path: string, { disk, clock }: OwnCertificateDoors): Promise<DiskLock> {
  for (let attempt = 0; attempt < lockTries; attempt++) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- one try after the other
      return await disk.lock(path)
    } catch (error) {
      if (!isPosternError(error, 'SPOOL_LOCKED')) throw error
    }
    // oxlint-disable-next-line no-await-in-loop -- one pause after the other
    await new Promise<void>((resolve) => void clock.after(lockPauseMs, resolve))
  }
  throw new PosternError('TIMEOUT', path)
}
