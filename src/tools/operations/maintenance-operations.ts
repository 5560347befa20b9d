/** The installation as the API cares for it: what `postern reload | restart | doctor | alerts | tls-report | shadow | showctl | cdb` do. */
import type { MaintenanceOperations } from '../../admin/operations.ts'
import { PosternError } from '../../mail/errors.ts'
import { Refusal } from '../../admin/refusal.ts'
import type {
  Alerts,
  CompiledFiles,
  ControlFiles,
  Examinations,
  Reception,
  Reloaded,
  Restarted,
  RestartRequest,
  ShadowQuery,
  ShadowReport,
  TlsReportQuery,
  TlsReports,
} from '../../admin/schemas/maintenance.ts'
import type { Configuration } from '../../config/configuration.ts'
import type { Disk } from '../../runtime/disk.ts'
import { askAlerts } from '../ask-alerts.ts'
import { askSupervisor } from '../ask-supervisor.ts'
import { compiledFiles, rebuild, stateOf } from '../compiled-files.ts'
import { examine } from '../doctor/doctor.ts'
import { shadowReport } from '../shadow-report.ts'
import { showControl, type ShownControlFile } from '../show-control.ts'
import { readTlsReport } from '../tls-report.ts'

export interface MaintenanceParts {
  readonly folder: string
  readonly current: () => Configuration
  readonly disk: Disk
  /** Of Node, without the `v`. */
  readonly node: string
}

export class Maintenance implements MaintenanceOperations {
  readonly #parts: MaintenanceParts
  /** Those that read everything are made one at a time. */
  #reading = false

  constructor(parts: MaintenanceParts) {
    this.#parts = parts
  }

  async reload(): Promise<Reloaded> {
    const report = await askSupervisor(this.#parts.folder, 'reload')
    if (report === undefined) throw nobodyThere()
    const { ok, mistakes, needsRestart } = report
    if (!ok) {
      throw new Refusal('invalid', 'The configuration has mistakes: it stays as it was', {
        mistakes,
      })
    }
    return { done: true, needsRestart }
  }

  async restart({ graceMs }: RestartRequest): Promise<Restarted> {
    const of = graceMs === undefined ? null : { graceMs }
    const answer = await askSupervisor(this.#parts.folder, 'restart', of)
    if (answer === undefined) throw nobodyThere()
    if (answer.ok) return { done: true, doubts: answer.doubts }
    const { mistakes } = answer
    throw new Refusal('invalid', 'The workers have not all been replaced', { mistakes })
  }

  async admit(everybody: boolean): Promise<Reception> {
    const answer = await askSupervisor(this.#parts.folder, 'admit', { everybody })
    if (answer === undefined) throw nobodyThere()
    return { admits: answer.admits }
  }

  async reception(): Promise<Reception> {
    const status = await askSupervisor(this.#parts.folder, 'status')
    if (status === undefined) throw nobodyThere()
    return { admits: status.admits }
  }

  async doctor(): Promise<Examinations> {
    const { folder, node } = this.#parts
    const found = await this.#alone(() => examine(folder, node))
    return {
      ok: found.every(({ state }) => state !== 'problem'),
      examinations: found.map(({ remedy, ...rest }) => ({
        ...rest,
        ...(remedy === undefined ? {} : { remedy }),
      })),
    }
  }

  async alerts(what: 'list' | 'test'): Promise<Alerts> {
    const told = await askAlerts(this.#parts.folder, what)
    if (told === undefined) throw new PosternError('CONNECT_FAILED', 'no gateway runs')
    const { active, ...report } = told
    return { ...report, active: active.map(({ key, summary, since }) => ({ key, summary, since })) }
  }

  async tlsReports(query: TlsReportQuery): Promise<TlsReports> {
    const { day, reports } = await readTlsReport(this.#parts.folder, query)
    return { day, reports }
  }

  shadowReport({ sinceMs = dayMs, examples = 3 }: ShadowQuery): Promise<ShadowReport> {
    return this.#alone(() => shadowReport(this.#parts.folder, { sinceMs, examples }))
  }

  async controlFiles(): Promise<ControlFiles> {
    const { current, disk } = this.#parts
    const { folder, files, unknown, stale } = await showControl(current(), disk)
    return { folder, files: files.map(controlView), unknown, stale }
  }

  async compile(dryRun: boolean): Promise<CompiledFiles> {
    const files = compiledFiles(this.#parts.current()).map((file) => {
      const state = stateOf(file)
      const made = !dryRun && state !== 'broken' && rebuild(file)
      return { text: file.text, cdb: file.cdb, state, made }
    })
    return { files }
  }

  /** @throws Refusal 429 while somebody else asks for the like */
  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#reading) {
      throw new Refusal('too-many-requests', 'Somebody asks for a report', { retryAfter: 5 })
    }
    this.#reading = true
    try {
      return await work()
    } finally {
      this.#reading = false
    }
  }
}

const dayMs = 86_400_000

function nobodyThere(): Refusal {
  return new Refusal('unavailable', 'No gateway is there to be told')
}

/** What a relay is told beside its name is a login. */
function controlView({
  postern,
  unread,
  sizeBytes,
  problem,
  value,
  ...file
}: ShownControlFile): ControlFiles['files'][number] {
  return {
    ...file,
    value: file.name === 'smtproutes' ? value.map(withoutLogin) : value,
    ...(postern === undefined ? {} : { postern }),
    ...(unread === undefined ? {} : { unread }),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(problem === undefined ? {} : { problem }),
  }
}

function withoutLogin(line: string): string {
  return line.trim().replace(/\s.*$/s, ' ***')
}
