/**
 * Reads the configuration folder: postern.yaml, control/ and tcp.smtp. Never throws for what stands in them: every
 * mistake is collected, with file, line, key and remedy. Nothing of it is in force until all of it is right.
 */
import { dirname, join } from 'node:path'
import {
  readControlSettings,
  type ControlFileMistake,
  type ControlSettings,
} from '../formats/control-settings.ts'
import { recipientsOfMaxrcpt } from '../formats/maxrcpt.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import type { Mistake, WrittenAt } from '../plugin/mistake.ts'
import { readSilenced } from './check-section.ts'
import { readAdmin } from './admin-section.ts'
import { readChain } from './chain-section.ts'
import type { Configuration } from './configuration.ts'
import {
  closedFolder,
  ConfigurationFiles,
  noFolder,
  type ConfigurationSource,
} from './configuration-files.ts'
import { readDelivery } from './delivery-section.ts'
import { parseConfigDocument, type ConfigDocument, type Path } from './document.ts'
import { isNameServer } from './listen-address.ts'
import { readListeners } from './listeners-section.ts'
import { readLog } from './log-section.ts'
import { readObserving } from './observing-section.ts'
import { readQuarantine } from './quarantine-section.ts'
import { isMap, Reading } from './reading.ts'
import { sectionShapes } from './schema.ts'
import { usualState } from './state-folder.ts'
import { readTcpRules } from './tcp-rules-file.ts'
import { readThresholds } from './thresholds-section.ts'

export interface ConfigurationReading {
  /**
   * Missing where postern.yaml itself cannot be read. Where a part has mistakes its defaults stand for it, so that the
   * rest can be judged: not to be put in force while there are mistakes.
   */
  readonly configuration?: Configuration
  readonly mistakes: readonly Mistake[]
  /** What is taken as it stands, though it is hardly meant. */
  readonly doubts: readonly Mistake[]
}

const topKeys = [
  'workers',
  'user',
  'listeners',
  'chain',
  'plugin_dirs',
  'state',
  'thresholds',
  'tagging',
  'quarantine',
  'admin',
  'receiver',
  'tcp_rules',
  'alerts',
  'telemetry',
  'log',
  'check',
  ...Object.keys(sectionShapes),
]

/** Where the rules for clients stand if nothing else is said. */
const usualTcpRules = 'tcp.smtp'

export function readConfiguration(source: ConfigurationSource): ConfigurationReading {
  const files = new ConfigurationFiles(source)
  const document = readDocument(files)
  // The path of a file in place of its folder's, or a folder that is closed to us: of all others the same would be told.
  if (files.mistakes.some(({ problem }) => problem === noFolder || problem === closedFolder)) {
    return files
  }
  const control = readControl(files)
  const sections = document === undefined ? undefined : readSections(document, source, files)
  const { mistakes, doubts } = files
  if (sections === undefined) {
    readTcpRules(files, usualTcpRules)
    return { mistakes, doubts }
  }
  const configuration = {
    ...sections,
    receiver: { ...sections.receiver, defaults: receiverDefaults(files, control) },
    control,
    tcpRules: readTcpRules(files, sections.tcpRulesPath),
    tcpRulesFile: files.shown(sections.tcpRulesPath),
    tcpRulesPath: files.absolute(sections.tcpRulesPath),
  }
  return { mistakes, doubts, configuration }
}

function readControl(files: ConfigurationFiles): ControlSettings {
  const reading = readControlSettings((name) => files.read(`control/${name}`))
  const about = ({ file, line, text, remedy }: ControlFileMistake): Mistake => {
    const problem = text === '' ? 'is missing or empty' : `'${text}' is not what belongs here`
    return { file: files.shown(`control/${file}`), line, problem, remedy }
  }
  const read = reading.mistakes.filter(({ file }) => !files.isUnread(`control/${file}`))
  files.mistakes.push(...read.map(about))
  files.doubts.push(...reading.doubts.map((doubt) => ({ ...about(doubt), code: 'control-file' })))
  return reading.value
}

function readDocument(files: ConfigurationFiles): ConfigDocument | undefined {
  const file = files.shown('postern.yaml')
  const bytes = files.read('postern.yaml')
  if (bytes === undefined) {
    if (files.isUnread('postern.yaml')) return undefined
    const remedy = 'copy config/ from the repository, or name its folder with --config'
    files.mistakes.push({ file, problem: 'is missing', remedy })
    return undefined
  }
  const { document, mistakes } = parseConfigDocument(file, new TextDecoder().decode(bytes))
  files.mistakes.push(...mistakes)
  // Somebody may be writing it just now: a gateway without listeners and chain is not what anybody means.
  if (document?.value === null) {
    const remedy = 'write its sections; config/postern.yaml in the repository is a file that works'
    files.mistakes.push({ file, problem: 'is empty', remedy })
  }
  return document
}

type Sections = Omit<Configuration, 'control' | 'tcpRules' | 'tcpRulesFile' | 'receiver'> & {
  readonly receiver: Omit<Configuration['receiver'], 'defaults'>
}

/** What qmail's control files say of the receiver. Those that are missing say nothing. */
function receiverDefaults(files: ConfigurationFiles, control: ControlSettings): JsonObject {
  const given = (name: string): boolean => files.read(`control/${name}`) !== undefined
  return {
    hostname: control.me,
    ...(given('databytes') ? { max_message: control.dataBytes } : {}),
    ...(given('maxrcpt') ? { max_recipients: recipientsOfMaxrcpt(control.maxRcpt) } : {}),
    ...(given('smtpgreeting') ? { greeting: control.smtpGreeting } : {}),
    ...(given('localiphost') ? { localiphost: control.localIpHost } : {}),
    ...(given('timeoutsmtpd') ? { command_timeout: `${control.timeoutSmtpdSeconds}s` } : {}),
  }
}

/** What postern.yaml says. */
function readSections(
  document: ConfigDocument,
  { folder, resources }: ConfigurationSource,
  files: ConfigurationFiles,
): Sections {
  const reading = new Reading(document, resources)
  const top = topOf(reading, document)
  files.keepStateIn(readState(reading, top['state']))
  const place = (path: Path): WrittenAt => {
    return { file: document.file, path, lineOf: (at) => document.lineOf(at) }
  }
  const certificateFiles: string[] = []
  const tableFiles: string[] = []
  const read = {
    folder,
    certificateFiles,
    tableFiles,
    workers: readWorkers(reading, top['workers']),
    user: readUser(reading, top['user']),
    listeners: readListeners(reading, top['listeners'], {
      place,
      absolute: (path) => files.absolute(path),
      readText(path) {
        certificateFiles.push(files.absolute(path))
        return files.readText(path)
      },
    }),
    chain: readChain(reading, top['chain'], place),
    pluginFolders: readPluginFolders(reading, top).map((path) => files.absolute(path)),
    receiver: { options: top['receiver'], place: place(['receiver']) },
    tcpRulesPath: readTcpRulesPath(reading, top['tcp_rules']),
    silenced: readSilenced(reading, top),
    quarantine: readQuarantine(reading, top, (path) => files.absolute(path)),
    ...readObserving(reading, top, (path) => files.readText(path)),
    ...adminOf(reading, top, files),
    ...readThresholds(reading, top, {
      readText(path) {
        tableFiles.push(files.absolute(path))
        return files.readText(path)
      },
      mistake: (path, line, problem, remedy) =>
        files.mistakes.push({
          file: files.shown(path),
          ...(line === undefined ? {} : { line }),
          problem,
          remedy,
        }),
    }),
  }
  const settings = readSettings(reading, top, files)
  files.mistakes.push(...reading.mistakes)
  return { ...read, ...settings }
}

function topOf(reading: Reading, { value }: ConfigDocument): JsonObject {
  const top = isMap(value) ? value : {}
  if (value !== null && !isMap(value)) {
    reading.mistake([], 'is not a map of sections', `there are: ${topKeys.join(', ')}`)
  }
  reading.unknownKeys([], top, topKeys)
  return top
}

function adminOf(
  reading: Reading,
  top: JsonObject,
  files: ConfigurationFiles,
): Pick<Configuration, 'admin'> {
  const admin = readAdmin(reading, top, {
    absolute: (path) => files.absolute(path),
    readText: (path) => files.readText(path),
  })
  return admin === undefined ? {} : { admin }
}

/** The sections that are plain maps of options. */
function readSettings(
  reading: Reading,
  top: JsonObject,
  files: ConfigurationFiles,
): Pick<
  Configuration,
  | 'delivery'
  | 'accounts'
  | 'spool'
  | 'store'
  | 'traces'
  | 'policyTests'
  | 'tls'
  | 'operator'
  | 'log'
  | 'dns'
> {
  const spool = reading.sectionOrDefaults(top, 'spool', sectionShapes.spool)
  const accounts = reading.sectionOrDefaults(top, 'accounts', sectionShapes.accounts)
  const store = reading.sectionOrDefaults(top, 'store', sectionShapes.store)
  const tests = reading.sectionOrDefaults(top, 'policy_tests', sectionShapes.policy_tests)
  const traces = reading.sectionOrDefaults(top, 'traces', sectionShapes.traces)
  const tls = reading.sectionOrDefaults(top, 'tls', sectionShapes.tls)
  const control = reading.sectionOrDefaults(top, 'control', sectionShapes.control)
  const dns = reading.sectionOrDefaults(top, 'dns', sectionShapes.dns)
  for (const [index, server] of dns.servers.entries()) {
    if (isNameServer(server)) continue
    const remedy = 'write for instance 192.0.2.53, 127.0.0.1:5353 or [::1]:5353'
    reading.mistake(['dns', 'servers', index], `'${server}' is no address of a name server`, remedy)
  }
  return {
    delivery: readDelivery(reading, top, {
      absolute: (path) => files.absolute(path),
      readText: (path) => files.readText(path),
    }),
    spool: { path: files.absolute(spool.path), segmentBytes: spool.segment_size },
    accounts: { path: files.absolute(accounts.path) },
    store: { path: files.absolute(store.path) },
    traces: {
      path: files.absolute(traces.path ?? join(dirname(store.path), 'traces.db')),
      maxRecords: traces.keep,
      maxAgeMs: traces.max_age,
      maxBytes: traces.max_size,
      headBytes: traces.header,
      answers: traces.answers,
    },
    policyTests: { folder: files.absolute(tests.folder), onReload: tests.on_reload },
    tls: { path: files.absolute(tls.path) },
    operator: {
      folder: files.absolute(control.path),
      socket: `${files.absolute(control.path)}/socket`,
      group: control.group,
    },
    log: readLog(reading, top, (path) => files.absolute(path)),
    dns: {
      servers: dns.servers,
      timeoutMs: dns.timeout,
      clientNames: { names: dns.client_names, timeoutMs: dns.client_name_timeout },
    },
  }
}

function readState(reading: Reading, given: JsonValue | undefined): string {
  if (given === undefined || given === null) return usualState
  if (typeof given === 'string' && given !== '' && !given.includes('\0')) return given
  reading.mistake(['state'], 'is not a path', 'write a folder, such as /var/lib/postern')
  return usualState
}

function readTcpRulesPath(reading: Reading, given: JsonValue | undefined): string {
  if (given === undefined || given === null) return usualTcpRules
  if (typeof given === 'string' && given !== '' && !given.includes('\0')) return given
  reading.mistake(['tcp_rules'], 'is not a path', 'write tcp.smtp, or /etc/tcp.smtp.cdb')
  return usualTcpRules
}

/** More would need more kinds of queue ids than there are. */
const mostWorkers = 64

function readWorkers(reading: Reading, given: JsonValue | undefined): number | 'auto' {
  if (given === undefined || given === null) return 1
  if (given === 'auto') return given
  if (typeof given === 'number' && Number.isInteger(given) && given > 0 && given <= mostWorkers)
    return given
  const problem = `${JSON.stringify(given)} is not a number of processes`
  reading.mistake(['workers'], problem, `write 1 to ${mostWorkers}, or auto for one a processor`)
  return 1
}

function readUser(reading: Reading, given: JsonValue | undefined): string | undefined {
  if (given === undefined || given === null) return undefined
  if (typeof given === 'string' && /^(?:[a-z_][a-z0-9_.-]{0,31}|\d{1,10}:\d{1,10})$/i.test(given))
    return given
  const problem = `${JSON.stringify(given)} is no account`
  reading.mistake(['user'], problem, 'write a name of /etc/passwd, or "uid:gid" in quotes')
  return undefined
}

function readPluginFolders(reading: Reading, top: JsonObject): readonly string[] {
  return reading.list(['plugin_dirs'], top['plugin_dirs']).flatMap((item, index) => {
    if (typeof item === 'string' && item !== '') return [item]
    reading.mistake(['plugin_dirs', index], 'is not a path', 'write a folder such as ../plugins')
    return []
  })
}
