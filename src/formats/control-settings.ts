/**
 * The control folder in one reading: every value that the gateway itself takes from it, with qmail's defaults, and all the
 * mistakes at once. A missing `me` is a mistake; any other file may be missing.
 */
import {
  parseLocals,
  parseAllRcpthosts,
  parseVirtualDomains,
  type DomainList,
  type VirtualDomains,
} from './control-domains.ts'
import { controlFiles } from './control-files.ts'
import { isAddressLiteral } from '../mail/domain.ts'
import { controlInteger, controlLine, controlList, sound, type ControlReading } from './control.ts'
import type { LineMistake } from './line-mistake.ts'
import { latin1 } from './octets.ts'
import { parsePercentHack } from './percent-hack.ts'
import { parseQmtpRoutes, parseSmtpRoutes, type SmtpRoutes } from './smtproutes.ts'

export interface ControlSettings {
  readonly me: string
  readonly bounceFrom: string
  readonly bounceHost: string
  /** Of the original in a bounce; 0: no limit. Undefined without a file. */
  readonly bounceMaxBytes: number | undefined
  readonly concurrencyLocal: number
  readonly concurrencyRemote: number
  /** 0: no limit. */
  readonly dataBytes: number
  /** Lines as in a .qmail file; one character for each byte. */
  readonly defaultDelivery: string
  readonly defaultDomain: string
  readonly defaultHost: string
  readonly doubleBounceHost: string
  readonly doubleBounceTo: string
  readonly envNoAtHost: string
  readonly heloHost: string
  readonly idHost: string
  readonly localIpHost: string
  readonly locals: ReadonlySet<string>
  /** Below 1: no limit. */
  readonly maxRcpt: number
  /** Addresses to connect from; empty: what the system chooses. */
  readonly outgoingIp: readonly string[]
  /** Domains where `user%host@domain` means `user@host`; A-labels in lower case. */
  readonly percentHack: ReadonlySet<string>
  readonly plusDomain: string
  readonly queueLifetimeSeconds: number
  /** Of rcpthosts and morercpthosts.cdb. */
  readonly rcptHosts: DomainList
  readonly smtpGreeting: string
  readonly smtpRoutes: SmtpRoutes
  /** Before those. */
  readonly qmtpRoutes: SmtpRoutes
  readonly timeoutConnectSeconds: number
  /** Undefined where nothing is said: then each step has the time that RFC 5321 §4.5.3.2 gives it. */
  readonly timeoutRemoteSeconds: number | undefined
  readonly timeoutSmtpdSeconds: number
  readonly virtualDomains: VirtualDomains
}

/** Who gives both files the same domains may have given them all. */
const mostTwice = 10

export interface ControlFileMistake extends LineMistake {
  readonly file: string
}

export interface ControlSettingsReading {
  readonly value: ControlSettings
  readonly mistakes: readonly ControlFileMistake[]
  readonly doubts: readonly ControlFileMistake[]
}

type ControlFileName = keyof typeof controlFiles

/** The files that `readControlSettings` asks for: what a watcher must watch. */
export const settingFiles = [
  'me',
  'morercpthosts.cdb',
  'bouncefrom',
  'bouncehost',
  'bouncemaxbytes',
  'concurrencylocal',
  'concurrencyremote',
  'databytes',
  'defaultdelivery',
  'defaultdomain',
  'defaulthost',
  'doublebouncehost',
  'doublebounceto',
  'envnoathost',
  'helohost',
  'idhost',
  'localiphost',
  'locals',
  'maxrcpt',
  'outgoingip',
  'percenthack',
  'plusdomain',
  'qmtproutes',
  'queuelifetime',
  'rcpthosts',
  'smtpgreeting',
  'smtproutes',
  'timeoutconnect',
  'timeoutremote',
  'timeoutsmtpd',
  'virtualdomains',
] as const satisfies readonly ControlFileName[]

export type SettingFile = (typeof settingFiles)[number]

/** @param bytesOf the bytes of a file in the control folder, undefined where there is none */
export function readControlSettings(
  bytesOf: (file: SettingFile) => Uint8Array | undefined,
): ControlSettingsReading {
  const mistakes: ControlFileMistake[] = []
  const doubts: ControlFileMistake[] = []
  const keep = <T>(file: SettingFile, reading: ControlReading<T>): T => {
    mistakes.push(...reading.mistakes.map((mistake) => ({ file, ...mistake })))
    doubts.push(...reading.doubts.map((doubt) => ({ file, ...doubt })))
    return reading.value
  }
  const lineOr = (file: SettingFile, fallback: string): string =>
    keep(file, controlLine(bytesOf(file), fallback))
  const integerOr = (file: SettingFile, fallback: number): number =>
    keep(file, controlInteger(bytesOf(file), fallback))

  const given = (file: SettingFile): boolean => bytesOf(file) !== undefined

  const me = lineOr('me', '')
  if (me === '')
    mistakes.push({ file: 'me', line: 1, text: '', remedy: 'write the full name of this host' })
  const value: ControlSettings = {
    me,
    bounceFrom: lineOr('bouncefrom', controlFiles.bouncefrom.default),
    bounceHost: lineOr('bouncehost', me),
    bounceMaxBytes: given('bouncemaxbytes')
      ? integerOr('bouncemaxbytes', controlFiles.bouncemaxbytes.default)
      : undefined,
    concurrencyLocal: integerOr('concurrencylocal', controlFiles.concurrencylocal.default),
    concurrencyRemote: integerOr('concurrencyremote', controlFiles.concurrencyremote.default),
    dataBytes: integerOr('databytes', controlFiles.databytes.default),
    defaultDelivery: latin1(bytesOf('defaultdelivery') ?? Buffer.from('./Maildir/\n')),
    defaultDomain: lineOr('defaultdomain', me),
    defaultHost: lineOr('defaulthost', me),
    doubleBounceHost: lineOr('doublebouncehost', me),
    doubleBounceTo: lineOr('doublebounceto', controlFiles.doublebounceto.default),
    envNoAtHost: lineOr('envnoathost', me),
    heloHost: lineOr('helohost', me),
    idHost: lineOr('idhost', me),
    localIpHost: lineOr('localiphost', me),
    locals: keep('locals', parseLocals(bytesOf('locals'), me)),
    maxRcpt: integerOr('maxrcpt', controlFiles.maxrcpt.default),
    outgoingIp: keep('outgoingip', parseOutgoingIp(bytesOf('outgoingip'))),
    percentHack: parsePercentHack(bytesOf('percenthack')),
    plusDomain: lineOr('plusdomain', me),
    queueLifetimeSeconds: integerOr('queuelifetime', controlFiles.queuelifetime.default),
    rcptHosts: keep(
      'rcpthosts',
      parseAllRcpthosts(bytesOf('rcpthosts'), bytesOf('morercpthosts.cdb')),
    ),
    smtpGreeting: lineOr('smtpgreeting', me),
    qmtpRoutes: keep('qmtproutes', parseQmtpRoutes(bytesOf('qmtproutes'))),
    smtpRoutes: keep('smtproutes', parseSmtpRoutes(bytesOf('smtproutes'))),
    timeoutConnectSeconds: integerOr('timeoutconnect', controlFiles.timeoutconnect.default),
    timeoutRemoteSeconds:
      bytesOf('timeoutremote') === undefined
        ? undefined
        : integerOr('timeoutremote', controlFiles.timeoutremote.default),
    timeoutSmtpdSeconds: integerOr('timeoutsmtpd', controlFiles.timeoutsmtpd.default),
    virtualDomains: keep('virtualdomains', parseVirtualDomains(bytesOf('virtualdomains'))),
  }
  return { value, mistakes, doubts: [...doubts, ...takenByLocals(value)] }
}

/** qmail looks into locals first. */
function takenByLocals({ locals, virtualDomains }: ControlSettings): readonly ControlFileMistake[] {
  const twice = virtualDomains.domains.filter((domain) => locals.has(domain))
  return twice.slice(0, mostTwice).map((domain) => ({
    file: 'virtualdomains',
    line: virtualDomains.find(`@${domain}`)?.line ?? 1,
    text: domain,
    remedy: 'it stands in locals too, which counts first: take it out of one of the two',
  }))
}

/** One address on a line. */
function parseOutgoingIp(bytes: Uint8Array | undefined): ControlReading<readonly string[]> {
  const entries = controlList(bytes)
  const isAddress = (text: string): boolean =>
    isAddressLiteral(`[${text}]`) || isAddressLiteral(`[IPv6:${text}]`)
  return {
    ...sound(entries.map(({ text }) => text).filter(isAddress)),
    mistakes: entries
      .filter(({ text }) => !isAddress(text))
      .map(({ line, text }) => ({ line, text, remedy: 'write an IP address of this host' })),
  }
}
