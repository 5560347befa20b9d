/**
 * The log of the process that a gateway begins and ends with: it sees that the places are as they should be before the workers
 * write to them, also those that a restart adds, and finishes all of them at the end.
 */
import type { LogOutputSettings, LogSettings } from '../config/log-section.ts'
import type { Log, LogFields, LogLevel } from '../runtime/log.ts'
import type { OpenedLog } from '../runtime/node/log.ts'
import { openLog } from './open-log.ts'

export class SupervisorLog implements Log {
  /** By what the settings say of an output: a stream may have several. One that is named no longer is finished at the end, too. */
  readonly #opened = new Map<string, OpenedLog>()
  readonly #readyPlaces = new Set<string>()
  #inForce: readonly OpenedLog[] = []

  /**
   * To be called before workers write by these settings. Where a place cannot be made ready, writing says so.
   * @returns from when on this process writes by them, too
   */
  async prepare({ outputs }: LogSettings): Promise<() => void> {
    const opened = await Promise.all(outputs.map((output) => this.#open(output)))
    return () => {
      this.#inForce = opened
    }
  }

  debug(event: string, fields?: LogFields): void {
    this.#write('debug', event, fields)
  }

  info(event: string, fields?: LogFields): void {
    this.#write('info', event, fields)
  }

  warn(event: string, fields?: LogFields): void {
    this.#write('warn', event, fields)
  }

  error(event: string, fields?: LogFields): void {
    this.#write('error', event, fields)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#opened.values()].map((log) => log.close()))
  }

  async #open(output: LogOutputSettings): Promise<OpenedLog> {
    const key = JSON.stringify(output)
    const log = this.#opened.get(key) ?? openLog({ outputs: [output] })
    this.#opened.set(key, log)
    const place = placeOf(output)
    // What is written to already is no leftover of a crash.
    if (this.#readyPlaces.has(place)) return log
    this.#readyPlaces.add(place)
    await log.open().catch(() => undefined)
    return log
  }

  #write(level: LogLevel, event: string, fields: LogFields | undefined): void {
    for (const log of this.#inForce) log[level](event, fields)
  }
}

function placeOf({ to, folder }: LogOutputSettings): string {
  return folder === undefined ? to : `${to}/current`
}
