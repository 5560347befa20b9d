/**
 * What an installed qmail becomes here: a configuration folder, and a list of all that was found. Reads only; what cannot be
 * read with certainty is reported, never guessed.
 */
import { isDeepStrictEqual } from 'node:util'
import { unknownMark } from '../../formats/run-script/expansion.ts'
import { optionOf, programOf } from '../../formats/run-script/service-line.ts'
import type { Disk } from '../../runtime/disk.ts'
import { readClientRules, type ClientRules } from './client-rules.ts'
import { ConfigFiles } from './config-files.ts'
import { importControl } from './control-folder.ts'
import { ImportFindings, type ImportFact } from './findings.ts'
import { Installation } from './installation.ts'
import { reportWords } from './command-words.ts'
import { importSend, ours, popListeners, reportOthers } from './other-services.ts'
import { importPeople, importVpopmail, withoutVchkpw, type ImportedVpopmail } from './people.ts'
import { scannerEntries, type ListenerProgram } from './scanners.ts'
import { readServices, smtpServices, type Service } from './services.ts'
import { reportLinks } from './report-links.ts'
import { reportSharedPorts } from './shared-ports.ts'
import { smtpEntries } from './smtp-entries.ts'
import { importSpamdyke } from './spamdyke.ts'
import { withSpamdyke } from './spamdyke-entries.ts'
import { smtpListener } from './smtp-listener.ts'
import { importSurroundings } from './surroundings.ts'
import { isOfRules, ServiceVariables, whyUnread } from './variables.ts'
import { entry } from './chain-entry.ts'
import {
  formatConfig,
  type Sourced,
  type SourcedMap,
  type WrittenEntry,
  type WrittenListener,
} from './written-config.ts'

export interface QmailImportRequest {
  readonly disk: Disk
  /** The folder of the installation, such as /var/qmail. */
  readonly tree: string
  /** Run scripts beside those that lie in the usual places. */
  readonly scripts: readonly string[]
  readonly shiftPorts: number
  /** The folder of the plugins that come with us. */
  readonly pluginFolder: string
  /** Where the gateway's own files are, relative to the new folder. */
  readonly state: string
  /** The files of the tree stay where they are, and are followed there. */
  readonly inPlace: boolean
  /** What links in a copy lead to outside of it is read; of a tree that is in its place it always is. */
  readonly followOutside?: boolean
}

export interface QmailImport {
  /** The text of postern.yaml. */
  readonly yaml: string
  /** By their place in the new folder; postern.yaml is not among them. */
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly facts: readonly ImportFact[]
  readonly vpopmail?: ImportedVpopmail
  /** The rules as they lie there let everybody relay. */
  readonly openRelay: boolean
}

export async function planQmailImport(request: QmailImportRequest): Promise<QmailImport> {
  return new ImportPlan(request).make()
}

class ImportPlan {
  readonly #request: QmailImportRequest
  readonly #installation: Installation
  readonly #findings = new ImportFindings()
  readonly #files: ConfigFiles

  constructor(request: QmailImportRequest) {
    this.#request = request
    this.#installation = new Installation(
      request.disk,
      request.tree,
      request.inPlace || request.followOutside === true,
    )
    this.#files = new ConfigFiles(this.#installation, this.#findings, request.inPlace)
  }

  async make(): Promise<QmailImport> {
    const [installation, findings, files] = [this.#installation, this.#findings, this.#files]
    const there = await importControl(installation, files, findings)
    await importPeople(installation, files, findings)
    const services = await readServices(installation, this.#request.scripts, findings)
    importSend(services, { installation, files, findings })
    const smtp = smtpServices(services).map((service) => {
      return { service, variables: new ServiceVariables(service.line.environment) }
    })
    if (smtp.length === 0) {
      const remark = 'no run script of it was found; name it with --run'
      findings.unsupported('qmail-smtpd', '/service', remark)
    }
    const setByRule = this.#setByRule(smtp[0]?.service)
    const listeners: WrittenListener[] = []
    const usual: ListenerProgram[] = []
    const chains: { readonly listener: string; readonly entries: readonly WrittenEntry[] }[] = []
    for (const each of smtp) {
      const taken = new Set(listeners.map(({ name }) => name))
      const { shiftPorts } = this.#request
      const hasCertificate = there.has('servercert.pem')
      const listener = smtpListener({ ...each, files, findings, shiftPorts, taken, hasCertificate })
      if (listener === undefined) continue
      const hasControl = (name: string): boolean => there.has(name)
      const { service } = each
      const spamdyke = importSpamdyke({ service, installation, files, findings })
      const { keys, receiver } = listener
      listeners.push({
        ...listener,
        keys: new Map([...keys, ...spamdyke.keys]),
        receiver: new Map([...receiver, ...spamdyke.receiver]),
      })
      usual.push({ listener: listener.name, path: each.variables.text('QMAILQUEUE') ?? '' })
      chains.push({
        listener: listener.name,
        entries: withSpamdyke(
          smtpEntries({ ...each, files, findings, hasControl, setByRule }),
          spamdyke.entries,
        ),
      })
    }
    const rules = this.#rules(smtp)
    const pop = popListeners({
      services,
      findings,
      shiftPorts: this.#request.shiftPorts,
      taken: new Set(listeners.map(({ name }) => name)),
      certificate: there.has('servercert.pem') ? 'control/servercert.pem' : undefined,
    })
    reportSharedPorts([...listeners, ...pop.listeners], findings)
    reportOthers(services, findings)
    reportWords(ours(services), findings)
    await importSurroundings(installation, services, findings)
    const vpopmail = this.#request.inPlace
      ? undefined
      : await importVpopmail(installation, files, findings)
    const whole = withMore(mergeChains(chains), [
      ...pop.logins,
      ...(vpopmail === undefined
        ? []
        : [entry('accounts', vpopmail.home), entry('mailboxes', vpopmail.home)]),
      ...(there.has('srs.secret') && !this.#request.inPlace
        ? [entry('srs', 'control/srs.secret')]
        : []),
      ...scannerEntries({
        installation,
        files,
        findings,
        usual,
        byRule: rules.variables.get('QMAILQUEUE') ?? new Set(),
        source: rules.path ?? 'tcp.smtp',
      }),
    ])
    const chain = withoutVchkpw(whole, vpopmail, findings)
    const yaml = formatConfig({
      head: this.#head(),
      listeners: [...listeners, ...pop.listeners],
      chain,
      sections: this.#sections(
        smtp.map(({ service }) => service),
        rules,
        there.has('srs.secret'),
      ),
    })
    const { inPlace, followOutside } = this.#request
    reportLinks(installation, findings, inPlace || followOutside === true)
    const { facts } = findings
    const { openRelay } = rules
    return {
      yaml,
      files: files.copies,
      facts,
      openRelay,
      ...(vpopmail === undefined ? {} : { vpopmail }),
    }
  }

  #head(): readonly string[] {
    const { tree, inPlace } = this.#request
    return inPlace
      ? [`Made by postern serve-tree for ${tree}, whose files are followed where they lie.`]
      : [
          `Made by postern import from ${tree}. What stands behind # says where a line comes from.`,
          'postern check says what is wrong with it; postern chain shows the chain in order.',
        ]
  }

  /** Looked up before there are entries; what the rules are worth is told when they are taken. */
  #setByRule(service: Service | undefined): (variable: string) => boolean {
    const { variables } = readClientRules({
      installation: this.#installation,
      findings: new ImportFindings(),
      cdbPath: cdbOf(service),
      source: '',
      everywhere: new Map(),
      denied: undefined,
    })
    return (variable) =>
      [...(variables.get(variable) ?? [])].some((value) => value !== '' && value !== '0')
  }

  /** The rules of the first service; what the others name otherwise is told. */
  #rules(
    smtp: readonly { readonly service: Service; readonly variables: ServiceVariables }[],
  ): ClientRules {
    const [first, ...others] = smtp
    const cdbPath = cdbOf(first?.service)
    for (const { service } of others) {
      if (cdbOf(service) === cdbPath) continue
      const remark = `all listeners have the rules of ${cdbPath ?? 'nobody'}; conditions (when: listener) can tell them apart`
      this.#findings.unsupported(`other rules: ${cdbOf(service) ?? 'none'}`, service.source, remark)
    }
    const everywhere = new Map<string, string>()
    for (const { service, variables } of smtp) {
      this.#leftOver(service, variables, everywhere)
      for (const [name, value] of variables.odd()) {
        const remark = 'it is no number, and qmail reads it as 0: nothing of it is taken over'
        this.#findings.unsupported(`${name}=${value}`, service.source, remark)
      }
    }
    const denied = first?.variables.text('DIEMSG')
    if (this.#request.inPlace && denied !== undefined) {
      const remark = 'clients that a rule denies hear 554 unless the rule itself sets it'
      this.#findings.unsupported(`DIEMSG=${denied}`, first?.service.source ?? '', remark)
    }
    const rules = readClientRules({
      installation: this.#installation,
      findings: this.#findings,
      cdbPath,
      source: first?.service.source ?? '/etc/tcp.smtp',
      everywhere,
      denied,
    })
    if (!this.#request.inPlace || rules.path === undefined) this.#files.make('tcp.smtp', rules.text)
    return rules
  }

  /** Variables that no option of a listener or an entry says: those that rules may set are set by every rule. */
  #leftOver(service: Service, variables: ServiceVariables, everywhere: Map<string, string>): void {
    for (const [name, value] of variables.rest()) {
      if (name === 'RELAYCLIENT') {
        const remark = 'an open relay: it is left out'
        this.#findings.dangerous('everybody may relay (RELAYCLIENT)', service.source, remark)
      } else if (!isOfRules(name)) {
        const remark = whyUnread(name)
        if (remark !== undefined) {
          const known = value.replaceAll(unknownMark, '?')
          this.#findings.unsupported(`${name}=${known}`, service.source, remark)
        }
      } else if (this.#request.inPlace) {
        this.#findings.unsupported(
          `${name}=${value}`,
          service.source,
          'only a rule of tcp.smtp can set it',
        )
      } else {
        everywhere.set(name, value)
        this.#findings.mapped(`${name}=${value}`, service.source, 'tcp.smtp: each rule that allows')
      }
    }
  }

  #sections(
    services: readonly Service[],
    rules: ClientRules,
    hasSrs: boolean,
  ): ReadonlyMap<string, SourcedMap | Sourced> {
    const { state, pluginFolder, inPlace } = this.#request
    const receiver = new Map<string, Sourced>()
    if (this.#installation.bytes('/var/qmail/control/databytes') === undefined) {
      receiver.set('max_message', { value: 0, from: 'no control/databytes: no limit' })
    }
    // All listeners have one setting, and rules by name must not be blind where they were not.
    const isBlind = services.length > 0 && services.every(looksUpNoNames)
    const path = (name: string): string => `${state}/${name}`
    return new Map<string, SourcedMap | Sourced>([
      ['receiver', receiver],
      ...(inPlace && rules.path !== undefined
        ? [['tcp_rules', { value: this.#installation.locate(rules.path) }] as const]
        : []),
      [
        'dns',
        new Map([
          [
            'client_names',
            {
              value: isBlind ? 'off' : 'confirmed',
              from: isBlind ? 'tcpserver -H' : 'tcpserver -p, or more careful',
            },
          ],
        ]),
      ],
      [
        'delivery',
        new Map<string, Sourced>([
          ['local', { value: 'users', from: 'users/, accounts of this host, alias; .qmail files' }],
          ['maildirs', { value: path('mail') }],
          [
            'srs',
            {
              value: hasSrs && !inPlace,
              from: 'control/srs.secret; qmail keeps the sender of forwarded mail',
            },
          ],
        ]),
      ],
      ['quarantine', new Map([['max_age', { value: '30d' }]])],
      ['plugin_dirs', { value: [pluginFolder] }],
      ['accounts', new Map([['path', { value: path('accounts.db') }]])],
      ['spool', new Map([['path', { value: path('spool') }]])],
      ['store', new Map([['path', { value: path('store.db') }]])],
      ['tls', new Map([['path', { value: path('tls') }]])],
    ])
  }
}

function cdbOf(service: Service | undefined): string | undefined {
  if (service === undefined) return '/etc/tcp.smtp.cdb'
  return optionOf(programOf(service.line, 'tcpserver', 'sslserver'), 'x')
}

function looksUpNoNames({ line }: Service): boolean {
  const server = programOf(line, 'tcpserver', 'sslserver')
  return server?.options.some(({ letter }) => letter === 'H') === true
}

/** One chain for all listeners: an entry that only some of them have, or otherwise, says for which it is. */
function mergeChains(
  chains: readonly { readonly listener: string; readonly entries: readonly WrittenEntry[] }[],
): readonly WrittenEntry[] {
  const merged: { readonly entry: WrittenEntry; readonly listeners: string[] }[] = []
  for (const { listener, entries } of chains) {
    for (const each of entries) {
      const same = merged.find(({ entry: other }) => isSame(other, each))
      if (same !== undefined) same.listeners.push(listener)
      else {
        // Behind the last one of its kind, so that the order stays.
        const at = merged.findLastIndex(({ entry: other }) => other.plugin === each.plugin)
        merged.splice(at === -1 ? merged.length : at + 1, 0, { entry: each, listeners: [listener] })
      }
    }
  }
  return merged.map(({ entry: each, listeners }, index) => {
    if (listeners.length === chains.length) return each
    const usual = nameOf(each)
    const isSecond = merged.findIndex(({ entry: other }) => nameOf(other) === usual) < index
    const name = isSecond ? { name: `${usual}-${listeners[0] ?? index}` } : {}
    return { ...each, settings: { ...each.settings, ...name, when: { listener: listeners } } }
  })
}

function nameOf({ plugin, settings }: WrittenEntry): string {
  const { name } = settings
  return typeof name === 'string' ? name : plugin
}

function isSame(a: WrittenEntry, b: WrittenEntry): boolean {
  const values = ({ plugin, settings, options }: WrittenEntry): unknown => [
    plugin,
    settings,
    [...options].map(([key, { value }]) => [key, value]),
  ]
  return isDeepStrictEqual(values(a), values(b))
}

/** Without those whose plugin stands there already; a chain of nobody still vouches for our own domains. */
function withMore(
  chain: readonly WrittenEntry[],
  more: readonly WrittenEntry[],
): readonly WrittenEntry[] {
  const first =
    chain.length > 0
      ? chain
      : [entry('relay-clients', 'tcp.smtp'), entry('rcpthosts', 'control/rcpthosts')]
  const there = new Set(first.map(({ plugin }) => plugin))
  return [...first, ...more.filter(({ plugin }) => !there.has(plugin))]
}
