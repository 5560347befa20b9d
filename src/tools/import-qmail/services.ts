/** The services of an installation: their run scripts, followed without being run. */
import { posix } from 'node:path'
import { unknownMark } from '../../formats/run-script/expansion.ts'
import {
  followScript,
  type FollowedScript,
  type ScriptWorld,
} from '../../formats/run-script/follow-script.ts'
import {
  programOf,
  readServiceLine,
  type ServiceLine,
  type ServiceProgram,
} from '../../formats/run-script/service-line.ts'
import type { ImportFindings } from './findings.ts'
import type { Installation } from './installation.ts'

export interface Service {
  /** Of its folder, such as qmail-smtpd. */
  readonly name: string
  /** How messages name its script, with the line that starts it. */
  readonly source: string
  readonly line: ServiceLine
}

const folders = [
  '/service',
  '/etc/service',
  '/var/service',
  '/var/qmail/supervise',
  '/var/qmail/service',
]
const mostServices = 200
const mostScripts = 5

/** @param given scripts that the operator names; those of the usual folders are found */
export async function readServices(
  installation: Installation,
  given: readonly string[],
  findings: ImportFindings,
): Promise<readonly Service[]> {
  const environments = await readEnvironmentFolders(installation)
  const reader = new ServiceReader(installation, environments, findings)
  for (const path of given) reader.read(path, nameOf(path), true)
  // oxlint-disable no-await-in-loop -- a handful of folders, in their order
  for (const folder of folders) {
    for (const name of (await installation.names(folder)).slice(0, mostServices)) {
      reader.read(`${folder}/${name}/run`, name, false)
      reader.read(`${folder}/${name}/log/run`, `${name}/log`, false)
    }
  }
  // oxlint-enable no-await-in-loop
  return reader.services
}

/** `…/qmail-smtpd/run` belongs to qmail-smtpd. */
function nameOf(path: string): string {
  const parts = path.split('/').filter((part) => part !== '')
  const last = parts.at(-1) ?? path
  return last === 'run' ? (parts.at(-2) ?? last) : last
}

class ServiceReader {
  readonly services: Service[] = []
  readonly #installation: Installation
  readonly #environments: Environments
  readonly #findings: ImportFindings
  /** The services of /service are mostly links to those of /var/qmail/supervise. */
  readonly #seen = new Set<string>()

  constructor(installation: Installation, environments: Environments, findings: ImportFindings) {
    this.#installation = installation
    this.#environments = environments
    this.#findings = findings
  }

  read(path: string, name: string, expected: boolean): void {
    const text = expected ? this.#installation.textAsTyped(path) : this.#installation.text(path)
    if (text === undefined) {
      if (expected) this.#findings.unsupported(`the run script ${path}`, path, 'it cannot be read')
      return
    }
    const mark = `${name}\0${text}`
    if (this.#seen.has(mark)) return
    this.#seen.add(mark)
    this.#follow({ path, name, text, environment: undefined, depth: 0 })
  }

  #follow(script: {
    readonly path: string
    readonly name: string
    readonly text: string
    readonly environment: ReadonlyMap<string, string> | undefined
    readonly depth: number
  }): void {
    const { path, name, text, environment, depth } = script
    const world: ScriptWorld = {
      readText: (file) => this.#installation.text(file),
      exists: (file) => this.#installation.exists(file),
      ...(environment === undefined ? {} : { environment }),
    }
    const { started, unknown, assumed } = followAsInstalled(text, world)
    for (const file of assumed) {
      this.#findings.difference(`${file} is missing`, path, {
        remark: 'without it the script ends before it starts anything; read on as if it were there',
      })
    }
    for (const { line, problem } of unknown) {
      this.#findings.unsupported(problem, `${path}:${line}`, 'look at what it does, by hand')
    }
    if (started.length === 0) {
      this.#findings.unsupported(`the service ${name}`, path, 'nothing that it starts is known')
    }
    for (const program of started) {
      const source = `${path}:${program.line}`
      const line = readServiceLine(program.words, program.environment, {
        variablesIn: (folder) => this.#environmentIn(folder, script),
      })
      const inner = depth < mostScripts ? this.#scriptOf(line) : undefined
      if (inner !== undefined) this.#follow({ ...inner, name, depth: depth + 1 })
      else this.#add({ name, source, line })
    }
  }

  /** A run script is started in the folder of its service; one that was named from elsewhere has that of its name. */
  #environmentIn(
    folder: string,
    { path, name }: { readonly path: string; readonly name: string },
  ): ReadonlyMap<string, string> | undefined {
    const known = this.#environments.get(posix.resolve('/', posix.dirname(path), folder))
    if (known !== undefined || folder.startsWith('/')) return known
    const end = posix.join('/', name, folder)
    return [...this.#environments].find(([each]) => each.endsWith(end))?.[1]
  }

  /** `exec /var/qmail/rc`: a script of its own. */
  #scriptOf({ programs, environment }: ServiceLine) {
    const [only, ...others] = programs
    if (only === undefined || others.length > 0 || !only.path.startsWith('/')) return undefined
    const text = this.#installation.text(only.path)
    if (text === undefined || !/^#!\s*\/\S*\/(?:ba|da|k)?sh\b/.test(text)) return undefined
    return { path: only.path, text, environment }
  }

  #add(service: Service): void {
    const { programs } = service.line
    for (const [at, { name, problem }] of programs.entries()) {
      if (problem === undefined) continue
      const remark =
        at === programs.length - 1
          ? 'what follows it was not read'
          : 'the variables that it sets are not known: set them by hand'
      this.#findings.unsupported(`${name}: ${problem}`, service.source, remark)
    }
    const isUnknown = service.line.programs
      .flatMap(wordsOf)
      .some((word) => word.includes(unknownMark))
    if (isUnknown) {
      const remark =
        'an argument of it is only known to the script itself; check the listener by hand'
      this.#findings.unsupported(`the command line of ${service.name}`, service.source, remark)
    }
    this.services.push(service)
  }
}

/** Files that a script may end for want of. */
const mostAssumed = 20

/**
 * Scripts look whether what they need is there, and end where it is not; a copy of a tree may lack what was compiled. So one that
 * starts nothing is followed again as if what it has asked for last were there.
 */
function followAsInstalled(
  text: string,
  world: ScriptWorld,
): FollowedScript & { readonly assumed: readonly string[] } {
  const assumed: string[] = []
  for (;;) {
    let missing: string | undefined
    const exists = (file: string): boolean => {
      const there = world.exists(file) || assumed.includes(file)
      if (!there) missing = file
      return there
    }
    const { started, unknown } = followScript(text, { ...world, exists })
    if (started.length > 0) return { started, unknown, assumed }
    if (unknown.length > 0 || missing === undefined || assumed.length >= mostAssumed) {
      return { ...followScript(text, world), assumed: [] }
    }
    assumed.push(missing)
  }
}

function wordsOf({ args, options }: ServiceProgram): readonly string[] {
  return [...args, ...options.map(({ value }) => value)]
}

type Environments = ReadonlyMap<string, ReadonlyMap<string, string>>

/** Those that lie in service folders, as envdir reads them: the first line of each file, NUL for LF. */
async function readEnvironmentFolders(installation: Installation): Promise<Environments> {
  const found = new Map<string, ReadonlyMap<string, string>>()
  // oxlint-disable no-await-in-loop -- few, and small
  for (const folder of folders) {
    for (const service of (await installation.names(folder)).slice(0, mostServices)) {
      const path = `${folder}/${service}/env`
      const names = await installation.names(path)
      if (names.length === 0) continue
      const variables = names.flatMap((name) => {
        const text = installation.text(`${path}/${name}`)
        if (text === undefined) return []
        const [first = ''] = text.split('\n', 1)
        return [[name, first.replace(/[ \t]+$/, '').replaceAll('\0', '\n')] as const]
      })
      found.set(path, new Map(variables))
    }
  }
  // oxlint-enable no-await-in-loop
  return found
}

/** The services that speak SMTP: those whose line ends in qmail-smtpd, by whatever name its patches have. */
export function smtpServices(services: readonly Service[]): readonly Service[] {
  return services.filter(
    ({ line }) => line.programs.at(-1)?.name.startsWith('qmail-smtpd') === true,
  )
}

export function popServices(services: readonly Service[]): readonly Service[] {
  return services.filter(({ line }) => programOf(line, 'qmail-popup') !== undefined)
}

export function sendServices(services: readonly Service[]): readonly Service[] {
  return services.filter(({ line }) => programOf(line, 'qmail-start') !== undefined)
}
