/** QMAILQUEUE: scanners that the chain's own entries take the place of, and programs that go on running. */
import { programName } from '../../formats/run-script/shell-builtins.ts'
import type { JsonObject } from '../../mail/json.ts'
import { entry } from './chain-entry.ts'
import type { ConfigFiles } from './config-files.ts'
import type { ImportFindings } from './findings.ts'
import type { Installation } from './installation.ts'
import type { WrittenEntry } from './written-config.ts'

export interface ScannersRequest {
  readonly installation: Installation
  readonly files: ConfigFiles
  readonly findings: ImportFindings
  /** What the run script of each listener says; empty: nothing. */
  readonly usual: readonly ListenerProgram[]
  /** Of the rules for clients, whatever listener they come to. */
  readonly byRule: ReadonlySet<string>
  readonly source: string
}

export interface ListenerProgram {
  readonly listener: string
  readonly path: string
}

const events = '/var/spool/qscan/quarantine-events.txt'

const kinds = ['qmail-scanner', 'simscan'] as const
type Kind = (typeof kinds)[number]

export function scannerEntries(request: ScannersRequest): readonly WrittenEntry[] {
  const present = kinds.filter((kind) => pathsOf(request).some((path) => kindOf(path) === kind))
  return [
    ...present.flatMap((kind, index) =>
      contentEntries(request, kind, index === 0 ? '' : `-${kind}`),
    ),
    ...programEntry(request),
  ]
}

function pathsOf({ usual, byRule }: ScannersRequest): readonly string[] {
  return [...new Set([...usual.map(({ path }) => path), ...byRule])]
}

function kindOf(path: string): Kind | undefined {
  const name = programName(path)
  if (name === 'simscan') return 'simscan'
  return /^qmail-scanner-queue(?:\.pl)?$/.test(name) ? 'qmail-scanner' : undefined
}

function isPlain(path: string): boolean {
  return path === '' || programName(path) === 'qmail-queue'
}

/** @param suffix of the names of these entries, where there are others of the same plugins */
function contentEntries(
  request: ScannersRequest,
  kind: Kind,
  suffix: string,
): readonly WrittenEntry[] {
  const { installation, files, findings, source } = request
  const isSimscan = kind === 'simscan'
  const scanners = pathsOf(request).filter((path) => kindOf(path) === kind)
  const from = `QMAILQUEUE=${scanners.join(', ')}`
  const isThere = !isSimscan && installation.exists(events)
  const file = isThere ? files.refer(events, 'control', source) : undefined
  const remark =
    'done by the entries attachments, clamav and spamassassin: check their sockets with postern enable; ' +
    'without an answer of theirs mail waits. Nothing runs daily for it any more'
  findings.difference(from, source, { to: 'attachments, clamav, spamassassin', remark })
  const others = [...request.byRule].filter((path) => {
    return isPlain(path) || (kindOf(path) !== undefined && kindOf(path) !== kind)
  })
  const settings = (plugin: string): JsonObject => ({
    ...(suffix === '' ? {} : { name: `${plugin}${suffix}` }),
    ...whoseMail(request, (path) => kindOf(path) === kind),
    ...(others.length === 0 || !isUsual(request, kind) ? {} : { unless: byVariable(others) }),
  })
  const outcome = isSimscan ? 'reject' : 'quarantine'
  return [
    entry(
      'attachments',
      from,
      isSimscan ? {} : { events: file, events_outcome: 'quarantine' },
      settings('attachments'),
    ),
    entry('clamav', from, { infected: outcome }, settings('clamav')),
    entry('spamassassin', `${from}: spam of strangers is marked`, {}, settings('spamassassin')),
  ]
}

function isUsual({ usual }: ScannersRequest, kind: Kind): boolean {
  return usual.some(({ path }) => kindOf(path) === kind)
}

/** The mail of listeners whose run script names such a program, and that of clients whose rule does. */
function whoseMail(
  { usual, byRule }: ScannersRequest,
  isSuch: (path: string) => boolean,
): JsonObject {
  const listeners = usual.filter(({ path }) => isSuch(path)).map(({ listener }) => listener)
  if (listeners.length > 0 && listeners.length === usual.length) return {}
  const paths = [...byRule].filter(isSuch)
  const any: readonly JsonObject[] = [
    ...(listeners.length === 0 ? [] : [{ listener: listeners }]),
    ...(paths.length === 0 ? [] : [byVariable(paths)]),
  ]
  const [first = {}, ...more] = any
  return { when: more.length === 0 ? first : any }
}

function byVariable(paths: readonly string[]): JsonObject {
  return { environment: paths.map((path) => `QMAILQUEUE=${path}`) }
}

/** One entry runs programs, whatever their number: a rule names its own. */
function programEntry(request: ScannersRequest): readonly WrittenEntry[] {
  const { installation, findings, source, usual } = request
  const programs = pathsOf(request).filter((path) => {
    if (kindOf(path) !== undefined || isPlain(path)) return false
    if (installation.exists(path)) return true
    findings.unsupported(`QMAILQUEUE=${path}`, source, 'there is no such program')
    return false
  })
  if (programs.length === 0) return []
  const ofScripts = programs.filter((path) => usual.some((each) => each.path === path))
  const [program, ...others] = ofScripts
  for (const path of others) {
    const remark = 'one program can be that of a listener; rules of tcp.smtp may name others'
    findings.unsupported(`QMAILQUEUE=${path}`, source, remark)
  }
  const run = programs.filter((path) => !others.includes(path))
  const remark =
    'its own qmail-queue must be bin/qmail-queue of this installation: see plugins/qmail-queue'
  for (const path of run) {
    findings.difference(`QMAILQUEUE=${path}`, source, { to: 'qmail-queue', remark })
  }
  const from = `QMAILQUEUE=${run.join(', ')}`
  if (program === undefined) return [entry('qmail-queue', from)]
  const settings = whoseMail(request, (path) =>
    usual.some((each) => each.path === path) ? path === program : programs.includes(path),
  )
  return [entry('qmail-queue', from, { program }, settings)]
}
