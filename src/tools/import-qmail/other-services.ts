/** qmail-pop3d, qmail-send, and services that nobody here takes over. */
import { optionOf, programOf } from '../../formats/run-script/service-line.ts'
import { latin1Bytes } from '../../formats/octets.ts'
import { unknownMark } from '../../formats/run-script/expansion.ts'
import { entry } from './chain-entry.ts'
import { commandLine } from './command-words.ts'
import type { ConfigFiles } from './config-files.ts'
import type { ImportFindings } from './findings.ts'
import type { Installation } from './installation.ts'
import { popServices, sendServices, smtpServices, type Service } from './services.ts'
import { addressOf } from './smtp-listener.ts'
import type { Sourced, WrittenEntry, WrittenListener } from './written-config.ts'

interface PopRequest {
  readonly services: readonly Service[]
  readonly findings: ImportFindings
  readonly shiftPorts: number
  readonly taken: ReadonlySet<string>
  readonly certificate: string | undefined
}

/** `tcpserver … 110 qmail-popup HOST CHECKPASSWORD qmail-pop3d Maildir`. */
export function popListeners({ services, findings, shiftPorts, taken, certificate }: PopRequest): {
  readonly listeners: readonly WrittenListener[]
  readonly logins: readonly WrittenEntry[]
} {
  const listeners: WrittenListener[] = []
  const logins: WrittenEntry[] = []
  const used = new Set(taken)
  for (const service of popServices(services)) {
    const server = programOf(service.line, 'tcpserver', 'sslserver')
    const address = addressOf(server, { service, findings, shiftPorts, taken: used })
    const [...then] = service.line.programs.at(-1)?.args ?? []
    const check = service.line.programs.at(-1)
    if (address === undefined || check === undefined) continue
    used.add(address.name)
    const role = server?.name === 'sslserver' ? 'pop3s' : 'pop3'
    const limit = Number(optionOf(server, 'c') ?? 40)
    const keys = new Map<string, Sourced>([
      ['role', { value: role }],
      ['listen', { value: address.listen, from: 'tcpserver' }],
      ...(Number.isInteger(limit) && limit > 0
        ? [['max_connections', { value: limit, from: 'tcpserver -c' }] as const]
        : []),
      ...(certificate === undefined
        ? []
        : [
            ['certificate', { value: certificate, from: 'control/servercert.pem' }] as const,
            ['key', { value: certificate }] as const,
          ]),
    ])
    const receiver = new Map<string, Sourced>([
      ['auth_without_tls', { value: true, from: 'qmail-popup takes passwords in the clear' }],
    ])
    listeners.push({ name: address.name, from: service.source, keys, receiver })
    const folder = then.at(-1) ?? ''
    const remark = `the mailbox of a user is what its deliveries go to; ${folder} was named here. Passwords in the clear: auth_without_tls`
    findings.difference(commandLine(check), service.source, { to: address.name, remark })
    logins.push(
      entry('checkpassword', `${service.source}: ${check.path}`, {
        command: [check.path, '/bin/true'],
      }),
    )
  }
  return { listeners, logins }
}

/** What qmail-start is given is what defaultdelivery says. */
export function importSend(
  services: readonly Service[],
  {
    installation,
    files,
    findings,
  }: {
    readonly installation: Installation
    readonly files: ConfigFiles
    readonly findings: ImportFindings
  },
): void {
  const [service, ...others] = sendServices(services)
  for (const other of others) {
    findings.unsupported(`a second qmail-send (${other.name})`, other.source, 'one queue is served')
  }
  const [delivery, ...logger] =
    programOf(service?.line ?? { programs: [], environment: new Map() }, 'qmail-start')?.args ?? []
  if (service === undefined) {
    findings.unsupported(
      'qmail-send',
      '/var/qmail/rc',
      'no run script of it was found; name it with --run',
    )
    return
  }
  if (logger.length > 0) {
    const remark = 'what is logged, and where to, says log:'
    findings.difference(logger.join(' '), service.source, { to: 'log', remark })
  }
  if (delivery === undefined || delivery.includes(unknownMark)) return
  const file = installation.text('/var/qmail/control/defaultdelivery')
  if (file?.trimEnd() === delivery.trimEnd()) {
    findings.mapped(
      'qmail-start with control/defaultdelivery',
      service.source,
      'control/defaultdelivery',
    )
    return
  }
  if (files.inPlace) {
    const remark = 'control/defaultdelivery says what is done by default: write it there'
    findings.unsupported(`qmail-start '${delivery.trimEnd()}'`, service.source, remark)
    return
  }
  files.make('control/defaultdelivery', latin1Bytes(`${delivery.trimEnd()}\n`))
  findings.mapped(`qmail-start '${delivery.trimEnd()}'`, service.source, 'control/defaultdelivery')
}

/** Services that are taken over. */
export function ours(services: readonly Service[]): readonly Service[] {
  return [...smtpServices(services), ...popServices(services), ...sendServices(services)]
}

/** Services that were found, and that are neither SMTP, POP3, qmail-send nor a log. */
export function reportOthers(services: readonly Service[], findings: ImportFindings): void {
  const known = new Set(ours(services))
  for (const service of services) {
    const last = service.line.programs.at(-1)
    if (known.has(service) || last === undefined) continue
    if (last.problem !== undefined) continue
    const log = last.name === 'multilog' || last.name === 'splogger'
    if (log) {
      const remark =
        'log: also: writes such folders too (format, files, file_bytes), without a service of its own'
      findings.difference(commandLine(last), service.source, { to: 'log', remark })
      continue
    }
    const remark =
      remarkOn.get(last.name) ??
      'it stays as it is; if it stands in front of qmail-smtpd, look at it by hand'
    const before = service.line.programs.slice(0, -1).map(commandLine)
    const what = [...before, last.path, ...last.args].join(' ')
    findings.unsupported(`the service ${service.name}: ${what}`, service.source, remark)
  }
}

const remarkOn: ReadonlyMap<string, string> = new Map([
  ['qmail-qmtpd', 'give a listener of ours role: qmtp and its port'],
  [
    'qmail-qmqpd',
    'give a listener of ours role: qmqp and its port, and qmqp_clients the clients that it served',
  ],
  ['clamd', 'it stays: the entry clamav asks it'],
  ['spamd', 'it stays: the entry spamassassin asks it'],
  ['dnscache', 'it stays: dns.servers'],
])
