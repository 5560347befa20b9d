/** What tcpserver and the variables of qmail-smtpd say of one port: a listener, and the receiver's settings for it. */
import { recipientsOfMaxrcpt } from '../../formats/maxrcpt.ts'
import { optionOf, programOf, type ServiceProgram } from '../../formats/run-script/service-line.ts'
import type { JsonValue } from '../../mail/json.ts'
import type { ConfigFiles } from './config-files.ts'
import type { ImportFindings } from './findings.ts'
import type { Service } from './services.ts'
import type { ServiceVariables } from './variables.ts'
import type { Sourced, WrittenListener } from './written-config.ts'

export interface ListenerRequest {
  readonly service: Service
  readonly variables: ServiceVariables
  readonly files: ConfigFiles
  readonly findings: ImportFindings
  /** Added to each port. */
  readonly shiftPorts: number
  /** Names of listeners that there are already. */
  readonly taken: ReadonlySet<string>
  /** Whether control/servercert.pem can be read. */
  readonly hasCertificate: boolean
}

const ports: ReadonlyMap<string, number> = new Map([
  ['smtp', 25],
  ['smtps', 465],
  ['ssmtp', 465],
  ['submissions', 465],
  ['submission', 587],
  ['pop3', 110],
  ['pop-3', 110],
  ['pop3s', 995],
])
const names: ReadonlyMap<number, string> = new Map([
  [25, 'smtp'],
  [465, 'smtps'],
  [587, 'submission'],
  [110, 'pop3'],
  [995, 'pop3s'],
])
const usualConnections = 40
const highestPort = 65_535

export interface TcpAddress {
  readonly listen: string
  readonly port: number
  readonly name: string
}

/** Where a tcpserver listens; undefined where that cannot be told. */
export function addressOf(
  server: ServiceProgram | undefined,
  {
    service,
    findings,
    shiftPorts,
    taken,
  }: Pick<ListenerRequest, 'service' | 'findings' | 'shiftPorts' | 'taken'>,
): TcpAddress | undefined {
  const [host = '', portText = ''] = server?.args ?? []
  const port = ports.get(portText) ?? (/^\d{1,5}$/.test(portText) ? Number(portText) : undefined)
  const listenHost = listenHostOf(host)
  if (port === undefined || listenHost === undefined) {
    const remark = 'the address or the port cannot be told; write a listener for it'
    findings.unsupported(`the service ${service.name}`, service.source, remark)
    return undefined
  }
  if (port < 1 || port + shiftPorts > highestPort) {
    const shifted = shiftPorts === 0 ? '' : `, with ${shiftPorts} added by --shift-ports`
    const remark = `ports are numbers from 1 to ${highestPort}${shifted}; write a listener for it`
    findings.unsupported(`port ${port} of the service ${service.name}`, service.source, remark)
    return undefined
  }
  const usual = names.get(port) ?? service.name.replaceAll(/[^A-Za-z0-9.-]/g, '-').slice(0, 40)
  let name = usual
  for (let count = 2; taken.has(name); count++) name = `${usual}-${count}`
  return { listen: `${listenHost}:${port + shiftPorts}`, port, name }
}

/** As `listen` has it; undefined for a name, which would have to be looked up. `:0` is any of both kinds (ucspi-tcp6). */
function listenHostOf(host: string): string | undefined {
  if (host === '0' || host === '' || host === '0.0.0.0') return '0.0.0.0'
  if (host === ':0' || host === '::') return '[::]'
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(host)) return host
  return host.includes(':') && /^[\da-f:.]+$/i.test(host) ? `[${host}]` : undefined
}

/** Undefined where its address cannot be told. */
export function smtpListener(request: ListenerRequest): WrittenListener | undefined {
  const { service, findings, hasCertificate } = request
  const server = programOf(service.line, 'tcpserver', 'sslserver')
  const address = addressOf(server, request)
  if (address === undefined) return undefined
  const keys = new Map<string, Sourced>()
  const { source } = service
  const put = (key: string, value: JsonValue, from: string): void => {
    keys.set(key, { value, from })
    findings.mapped(from, source, `${address.name}: ${key}`)
  }
  const [host = '', port = ''] = server?.args ?? []
  put(
    'listen',
    address.listen,
    `${server?.name ?? 'tcpserver'} ${host === '' ? '0' : host} ${port}`,
  )
  // The TLS patch of netqmail begins with TLS where the variable is set, be it to nothing.
  const bySmtps = request.variables.text('SMTPS')
  const isImplicit = server?.name === 'sslserver' || bySmtps !== undefined
  if (isImplicit) put('tls', 'implicit', bySmtps === undefined ? 'sslserver' : `SMTPS=${bySmtps}`)
  putCertificate(request, keys, hasCertificate)
  putLimits(request, keys, server)
  const receiver = receiverOf(request, isImplicit)
  for (const [key, { from }] of receiver) {
    if (from !== undefined) findings.mapped(from, source, `${address.name}: receiver.${key}`)
  }
  noteLookups(request, server)
  return { name: address.name, from: source, keys, receiver }
}

function putCertificate(
  { service, variables, files, findings }: ListenerRequest,
  keys: Map<string, Sourced>,
  hasCertificate: boolean,
): void {
  const named = variables.text('TLS_SERVER_CERT') ?? variables.text('CERTFILE')
  if (named === undefined && !hasCertificate) return
  const path = files.refer(named ?? '/var/qmail/control/servercert.pem', 'tls', service.source)
  if (path === undefined) return
  const from = named === undefined ? 'control/servercert.pem' : `TLS_SERVER_CERT ${named}`
  keys.set('certificate', { value: path, from })
  keys.set('key', { value: path, from: 'the same file, as qmail-smtpd reads it' })
  findings.mapped(from, service.source, 'certificate, key')
}

function putLimits(
  { service, variables, findings }: ListenerRequest,
  keys: Map<string, Sourced>,
  server: ServiceProgram | undefined,
): void {
  const { source } = service
  const written = optionOf(server, 'c')
  const limit = Number(written ?? usualConnections)
  const from = written === undefined ? 'tcpserver has 40' : `tcpserver -c ${written}`
  if (Number.isInteger(limit) && limit > 0) {
    keys.set('max_connections', { value: limit, from })
    const remark = 'one more is told 421; tcpserver lets it wait'
    findings.difference(from, source, { to: 'max_connections', remark })
  } else findings.unsupported(from, source, 'it is no number above 0: no limit is written')
  const texts: Record<string, string> = {}
  const limits = [
    ['MAXCONNIP', 'max_connections_per_address', 'address', 1],
    ['MAXCONNC', 'max_connections_per_network', 'network', 1],
    ['MAXLOAD', 'max_load', 'load', 100],
  ] as const
  const usualText = textOf(variables.text('DIEMSG'))
  for (const [variable, key, text, divisor] of limits) {
    const number = variables.number(variable)
    const said = textOf(variables.text(`DIEMSG_${variable}`)) ?? usualText
    if (said !== undefined) texts[text] = said
    if (number === undefined || (number === 0 && variable === 'MAXLOAD')) continue
    if (number === 0) {
      findings.unsupported(`${variable}=0`, source, 'nobody could connect; no limit is written')
      continue
    }
    keys.set(key, { value: number / divisor, from: `${variable}=${number}` })
    findings.mapped(`${variable}=${number}`, source, key)
  }
  if (Object.keys(texts).length > 0) {
    keys.set('limit_texts', { value: texts, from: 'DIEMSG_*, behind 421' })
    findings.mapped('DIEMSG', source, 'limit_texts')
  }
}

/** Without the code, which is always 421. */
function textOf(said: string | undefined): string | undefined {
  const text = said?.replace(/^[245]\d\d[ -]?/, '').replaceAll(/[^\x20-\x7e]/g, '?')
  return text === '' ? undefined : text
}

function receiverOf(
  { variables }: ListenerRequest,
  isImplicit: boolean,
): ReadonlyMap<string, Sourced> {
  const settings = new Map<string, Sourced>()
  const greeting = variables.text('SMTPGREETING')
  if (greeting !== undefined) {
    settings.set('greeting', { value: greeting, from: 'SMTPGREETING' })
  }
  const ciphers = variables.text('TLSCIPHERS')
  if (ciphers !== undefined) settings.set('tls_ciphers', { value: ciphers, from: 'TLSCIPHERS' })
  const databytes = variables.number('DATABYTES')
  if (databytes !== undefined) {
    settings.set('max_message', { value: databytes, from: `DATABYTES=${databytes}` })
  }
  const maxrcpt = variables.number('MAXRCPT')
  if (maxrcpt !== undefined) {
    const value = recipientsOfMaxrcpt(maxrcpt)
    settings.set('max_recipients', { value, from: `MAXRCPT=${maxrcpt}` })
  }
  const switches = [
    ['FORCE_TLS', 'starttls', 'required'],
    ['DENY_TLS', 'starttls', 'off'],
    ['REQUIRE_AUTH', 'auth', 'required'],
    ['ALLOW_INSECURE_AUTH', 'auth_without_tls', true],
    ['QMAILSMTPD_LOG_MAIL', 'log_mail', true],
    ['QMAILSMTPD_LOG_RCPT', 'log_rcpt', true],
    ['QMAILSMTPD_HELP_VERSION', 'help_version', true],
  ] as const
  for (const [variable, key, value] of switches) {
    const isOn = variables.isOn(variable)
    if (isOn && !(isImplicit && key === 'starttls'))
      settings.set(key, { value, from: `${variable}=1` })
  }
  if (!variables.isOn('ALLOW_CRAM')) {
    settings.set('cram_md5', { value: false, from: 'ALLOW_CRAM is not set' })
  }
  if (variables.isOn('SSL') && !isImplicit) {
    settings.set('tls_in_front', { value: true, from: 'SSL=1, under tcpserver' })
  }
  return settings
}

/** What tcpserver looks up, and says first. */
function noteLookups(
  { service, findings }: ListenerRequest,
  server: ServiceProgram | undefined,
): void {
  if (server === undefined) return
  const has = (letter: string): boolean => server.options.some((option) => option.letter === letter)
  if (!has('R')) {
    const remark = 'what ident says is asked for where the listener says ident: 26s'
    findings.unsupported('ident lookups (tcpserver without -R)', service.source, remark)
  }
  if (has('B')) {
    findings.unsupported(
      `the banner of tcpserver -B ${optionOf(server, 'B') ?? ''}`,
      service.source,
      'a greeting comes after the rules',
    )
  }
}
