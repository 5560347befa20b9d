/** What spamdyke is told, option by option: each is taken once, and what nobody takes is left to be told. */
import { programOf } from '../../formats/run-script/service-line.ts'
import { readSpamdyke, spamdykeLines, type SpamdykeValue } from '../../formats/spamdyke.ts'
import type { ConfigFiles } from './config-files.ts'
import type { ImportFindings } from './findings.ts'
import type { Installation } from './installation.ts'
import type { Service } from './services.ts'

export interface SpamdykeRequest {
  readonly service: Service
  readonly installation: Installation
  readonly files: ConfigFiles
  readonly findings: ImportFindings
}

export class SpamdykeOptions {
  readonly files: ConfigFiles
  readonly findings: ImportFindings
  /** The run script. */
  readonly source: string
  readonly #installation: Installation
  readonly #left: Map<string, readonly SpamdykeValue[]>

  constructor({ service, installation, files, findings }: SpamdykeRequest) {
    this.files = files
    this.findings = findings
    this.source = service.source
    this.#installation = installation
    const args = programOf(service.line, 'spamdyke')?.args ?? []
    const read = (path: string): string | undefined => installation.text(path)
    const { options, missing } = readSpamdyke(args, { read, source: service.source })
    this.#left = new Map(options)
    for (const { value, source } of missing) {
      const remark = 'it is missing, or cannot be read: nothing of it is taken over'
      findings.unsupported(`spamdyke's file ${value}`, source, remark)
    }
  }

  /** Those that nobody has taken. */
  get left(): ReadonlyMap<string, readonly SpamdykeValue[]> {
    return this.#left
  }

  /** All values of an option. */
  take(name: string): readonly SpamdykeValue[] {
    const values = this.#left.get(name) ?? []
    this.#left.delete(name)
    return values
  }

  /** Of an option that has one value the last counts. */
  last(name: string): SpamdykeValue | undefined {
    return this.take(name).at(-1)
  }

  /** Without a value an option is on. */
  isOn(name: string): SpamdykeValue | undefined {
    const last = this.last(name)
    return last !== undefined && /^(?:|yes|true|1)$/i.test(last.value) ? last : undefined
  }

  /** A number above zero: zero turns the option off. What is no number is told, and left out. */
  number(name: string): (SpamdykeValue & { readonly number: number }) | undefined {
    const last = this.last(name)
    if (last === undefined) return undefined
    const number = /^\d{1,9}$/.test(last.value) ? Number(last.value) : undefined
    if (number === undefined) {
      const remark = 'it is no number from 0 to 999999999: nothing of it is taken over'
      this.findings.unsupported(`spamdyke ${name}=${last.value}`, last.source, remark)
    }
    return number === undefined || number === 0 ? undefined : { ...last, number }
  }

  /** The values of `NAME-entry`, and the lines of the files of `NAME-file`. */
  listed(name: string): readonly SpamdykeValue[] {
    return [
      ...this.take(`${name}-entry`),
      ...this.take(`${name}-file`).flatMap(({ value, source }) => {
        const text = this.#installation.text(value)
        if (text !== undefined) {
          return spamdykeLines(text).map((line) => ({ value: line, source: value }))
        }
        const remark = 'it is missing, or cannot be read'
        this.findings.unsupported(`spamdyke's file ${value}`, source, remark)
        return []
      }),
    ]
  }

  /** @param remark what is different; without it nothing is */
  say(what: string, { source }: Pick<SpamdykeValue, 'source'>, to: string, remark?: string): void {
    const { findings } = this
    if (remark === undefined) findings.mapped(`spamdyke ${what}`, source, to)
    else findings.difference(`spamdyke ${what}`, source, { to, remark })
  }
}
