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
  /** Of the run scripts; empty: none sets it. */
  readonly usual: ReadonlySet<string>
  /** Of the rules for clients. */
  readonly byRule: ReadonlySet<string>
  readonly source: string
}

const events = '/var/spool/qscan/quarantine-events.txt'

export function scannerEntries(request: ScannersRequest): readonly WrittenEntry[] {
  const { usual, byRule } = request
  const all = new Set([...usual, ...byRule])
  const scanners = [...all].filter(isScanner)
  const entries = scanners.length === 0 ? [] : contentEntries(request, scanners)
  const programs = [...all].filter((path) => !isScanner(path) && !isPlain(path))
  return [...entries, ...programs.flatMap((path) => programEntry(request, path))].filter(
    // One entry runs programs, whatever their number: a rule names its own.
    ({ plugin }, index, every) => every.findIndex((each) => each.plugin === plugin) === index,
  )
}

function isScanner(path: string): boolean {
  return ['qmail-scanner-queue.pl', 'qmail-scanner-queue', 'simscan'].includes(programName(path))
}

function isPlain(path: string): boolean {
  return path === '' || programName(path) === 'qmail-queue'
}

function contentEntries(
  { installation, files, findings, usual, byRule, source }: ScannersRequest,
  scanners: readonly string[],
): readonly WrittenEntry[] {
  const isSimscan = scanners.some((path) => programName(path) === 'simscan')
  const from = `QMAILQUEUE=${scanners.join(', ')}`
  const isThere = !isSimscan && installation.exists(events)
  const file = isThere ? files.refer(events, 'control', source) : undefined
  const remark =
    'done by the entries attachments, clamav and spamassassin: check their sockets with postern enable; ' +
    'without an answer of theirs mail waits. Nothing runs daily for it any more'
  findings.difference(from, source, { to: 'attachments, clamav, spamassassin', remark })
  const settings = whoseMail(usual, byRule, scanners)
  const outcome = isSimscan ? 'reject' : 'quarantine'
  return [
    entry(
      'attachments',
      from,
      isSimscan ? {} : { events: file, events_outcome: 'quarantine' },
      settings,
    ),
    entry('clamav', from, { infected: outcome }, settings),
    entry('spamassassin', `${from}: spam of strangers is marked`, {}, settings),
  ]
}

/** Where the run script sets it, all mail but that of rules that name qmail-queue; else that of rules that name it. */
function whoseMail(
  usual: ReadonlySet<string>,
  byRule: ReadonlySet<string>,
  scanners: readonly string[],
): JsonObject {
  const named = (paths: readonly string[]): readonly string[] =>
    paths.map((path) => `QMAILQUEUE=${path}`)
  const plain = [...byRule].filter(isPlain)
  if (![...usual].some(isScanner)) return { when: { environment: named(scanners) } }
  return plain.length === 0 ? {} : { unless: { environment: named(plain) } }
}

function programEntry(
  { installation, findings, usual, source }: ScannersRequest,
  path: string,
): readonly WrittenEntry[] {
  if (!installation.exists(path)) {
    findings.unsupported(`QMAILQUEUE=${path}`, source, 'there is no such program')
    return []
  }
  const remark =
    'its own qmail-queue must be bin/qmail-queue of this installation: see plugins/qmail-queue'
  findings.difference(`QMAILQUEUE=${path}`, source, { to: 'qmail-queue', remark })
  return [entry('qmail-queue', `QMAILQUEUE=${path}`, usual.has(path) ? { program: path } : {})]
}
