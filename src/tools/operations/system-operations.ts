/** The gateway itself as the API shows it. */
import type { LogSettings } from '../../config/log-section.ts'
import { X509Certificate } from 'node:crypto'
import type { SystemOperations } from '../../admin/operations.ts'
import { Refusal } from '../../admin/refusal.ts'
import type {
  Certificate,
  LogTail,
  Readiness,
  System,
  TryRequest,
  TryResult,
} from '../../admin/schemas/system.ts'
import type { Configuration, ListenerConfiguration } from '../../config/configuration.ts'
import { formatListenAddress } from '../../config/listen-address.ts'
import { isPosternError } from '../../mail/errors.ts'
import { shardPath, shardsOf } from '../../queue/shards.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Disk } from '../../runtime/disk.ts'
import { unlessMissing } from '../../runtime/missing.ts'
import type { Net } from '../../runtime/net.ts'
import { controlSocket } from '../control-socket.ts'
import { ownCertificatePath } from '../own-certificate.ts'
import { readFolder } from '../read-offline.ts'
import { tryOut, type Rehearse } from './try-out.ts'

export interface SystemParts {
  readonly folder: string
  readonly current: () => Configuration
  readonly version: string
  readonly node: string
  readonly startedAt: number
  readonly clock: Clock
  readonly disk: Disk
  readonly net: Pick<Net, 'connect'>
  readonly rehearse: Rehearse
}

const pingMs = 2_000
const tailBytes = 1 << 18
const longestLine = 4_000

export class GatewaySystem implements SystemOperations {
  readonly #parts: SystemParts
  /** One at a time: it plays a whole chain. */
  #trying = false

  constructor(parts: SystemParts) {
    this.#parts = parts
  }

  async show(): Promise<System> {
    const { folder, current, version, node, startedAt, clock, disk } = this.#parts
    const { control, listeners, spool, traces, log } = current()
    const workers = await this.#workers()
    const [{ level, to } = { level: 'info', to: 'stderr' }] = log.outputs
    return {
      version,
      node,
      hostname: control.me,
      folder,
      startedAt,
      now: clock.now(),
      running: workers.some(({ answers }) => answers),
      workers,
      listeners: await Promise.all(listeners.map((listener) => this.#listener(listener))),
      spool: { path: spool.path, ...(await spaceOf(disk, spool.path)) },
      store: {
        path: traces.path,
        traces: traces.maxRecords,
        ...(await sizeOf(disk, traces.path)),
      },
      log: { level, to, readable: readableLog(log) !== undefined },
    }
  }

  async logTail(lines: number): Promise<LogTail> {
    const { current, disk } = this.#parts
    const path = readableLog(current().log)
    if (path === undefined) {
      throw new Refusal('not-found', 'The log goes to a stream, and is not kept here')
    }
    const file = await disk.open(path, 'read')
    try {
      const { sizeBytes } = await file.stat()
      const from = Math.max(0, sizeBytes - tailBytes)
      const text = Buffer.from(await file.read(from, tailBytes)).toString('utf8')
      const all = text
        .split('\n')
        .slice(from === 0 ? 0 : 1)
        .filter((line) => line !== '')
      return {
        lines: all.slice(-lines).map((line) => line.slice(0, longestLine)),
        cut: from > 0 || all.length > lines,
      }
    } finally {
      await file.close()
    }
  }

  async ready(): Promise<Readiness> {
    const gateway = (await this.#workers()).some(({ answers }) => answers)
    const configuration = readFolder(this.#parts.folder).mistakes.length === 0
    return { status: gateway && configuration ? 'ok' : 'degraded', gateway, configuration }
  }

  async tryOut(request: TryRequest): Promise<TryResult> {
    if (this.#trying) {
      throw new Refusal('too-many-requests', 'Somebody tries something else', { retryAfter: 2 })
    }
    this.#trying = true
    try {
      return await tryOut(request, this.#parts.rehearse)
    } finally {
      this.#trying = false
    }
  }

  /** A worker that answers holds a socket beside its shard. */
  async #workers(): Promise<System['workers']> {
    const { current, disk } = this.#parts
    const { path } = current().spool
    const shards = await shardsOf(disk, path).catch(() => [])
    return Promise.all(
      shards.map(async (shard) => ({
        shard,
        answers: await this.#answers(shardPath(path, shard)),
      })),
    )
  }

  async #answers(spool: string): Promise<boolean> {
    try {
      const { path } = controlSocket(spool)
      const connection = await this.#parts.net.connect({ address: { path }, timeoutMs: pingMs })
      connection.destroy()
      return true
    } catch (error) {
      if (!isPosternError(error)) throw error
      return false
    }
  }

  async #listener(listener: ListenerConfiguration): Promise<System['listeners'][number]> {
    const { name, role, address, tls, maxConnections } = listener
    const pem = tls === undefined ? undefined : await this.#pemOf(listener)
    const certificate = pem === undefined ? undefined : certificateOf(pem)
    return {
      name,
      role,
      address: formatListenAddress(address),
      tls: tls?.mode ?? 'off',
      maxConnections,
      ...(certificate === undefined ? {} : { certificate }),
    }
  }

  async #pemOf({ tls }: ListenerConfiguration): Promise<string | undefined> {
    const [first] = tls?.identities ?? []
    if (first !== undefined) return first.certificate
    const { current, disk } = this.#parts
    const { tls: own, control } = current()
    const path = ownCertificatePath({ folder: own.path, hostname: control.me })
    // It is made at the first start.
    const bytes = await unlessMissing(disk.readFile(path))
    return bytes === undefined ? undefined : Buffer.from(bytes).toString()
  }
}

const mostNames = 100

function certificateOf(pem: string): Certificate | undefined {
  try {
    const { subject, issuer, validFromDate, validToDate, subjectAltName } = new X509Certificate(pem)
    return {
      subject,
      issuer,
      notBefore: validFromDate.getTime(),
      notAfter: validToDate.getTime(),
      names: (subjectAltName?.split(', ') ?? []).slice(0, mostNames),
    }
  } catch {
    // What it is, postern check says.
    return undefined
  }
}

/** Nothing where there is no spool yet. */
async function spaceOf(
  disk: Disk,
  path: string,
): Promise<Pick<System['spool'], 'freeBytes' | 'totalBytes'>> {
  const space = await unlessMissing(disk.space(path))
  return space === undefined ? {} : { freeBytes: space.freeBytes, totalBytes: space.sizeBytes }
}

async function sizeOf(disk: Disk, path: string): Promise<{ readonly sizeBytes?: number }> {
  const stat = await unlessMissing(disk.stat(path))
  return stat?.kind === 'file' ? { sizeBytes: stat.sizeBytes } : {}
}

/** The first that lies in a file, or in a folder as multilog keeps it. */
function readableLog({ outputs }: LogSettings): string | undefined {
  const kept = outputs.find(({ to }) => to !== 'stderr' && to !== 'stdout')
  return kept?.folder === undefined ? kept?.to : `${kept.to}/current`
}
