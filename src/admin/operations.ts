/**
 * What the server can ask of the rest of the house. It owns these interfaces and knows nobody behind them; `tools` implements
 * them with the same functions that the commands use. Whatever is refused is thrown: a `Refusal`, or a PosternError.
 */
import type { MetricsSnapshot } from '../runtime/metrics/snapshot.ts'
import type { Scope } from './permissions.ts'
import type {
  Alias,
  AliasPage,
  Domain,
  DomainChange,
  DomainPage,
  MailUser,
  MailUserChange,
  MailUserPage,
  NewDomain,
  NewMailUser,
} from './schemas/accounts.ts'
import type { Chain, ChainEntryChange, ChainEntryDetails } from './schemas/chain.ts'
import type { Check } from './schemas/shapes.ts'
import type {
  Change,
  ConfigurationFiles,
  FileChange,
  FileText,
  HistoryDetails,
  HistoryPage,
  Preview,
} from './schemas/configuration.ts'
import type {
  Alerts,
  CompiledFiles,
  ControlFiles,
  Examinations,
  Reception,
  Reloaded,
  Restarted,
  RestartRequest,
  ShadowQuery,
  ShadowReport,
  TlsReportQuery,
  TlsReports,
} from './schemas/maintenance.ts'
import type {
  MessageDetails,
  MessageFilter,
  MessagePage,
  MessageSummary,
} from './schemas/messages.ts'
import type {
  GreylistChange,
  GreylistPage,
  ListChange,
  Lists,
  ListTest,
  ListTestResult,
  NewRelayedDomain,
  RelayChange,
  RelayedDomains,
  RuleTest,
  RuleTestResult,
  TcpRules,
  Variables,
} from './schemas/policy.ts'
import type {
  HeldDetails,
  HeldPage,
  QuarantineActionRequest,
  QuarantineActionResult,
  QuarantineQuery,
} from './schemas/quarantine.ts'
import type {
  Applied,
  DamagedFiles,
  PauseScope,
  Pauses,
  QueueActionRequest,
  QueueDetails,
  QueuePage,
  QueueQuery,
  QueueSummary,
  SpoolCheck,
} from './schemas/queue.ts'
import type { LogTail, Now, Readiness, System, TryRequest, TryResult } from './schemas/system.ts'

export interface PageRequest {
  readonly cursor?: string
  readonly limit?: number
}

export interface MessageOperations {
  search(filter: MessageFilter, page: PageRequest, scope: Scope): Promise<MessagePage>
  /** @returns undefined for what is not known, or not to be seen */
  show(id: string, scope: Scope): Promise<MessageDetails | undefined>
  /**
   * What came after a cursor and is theirs, oldest first, of many the last ones, for the live stream.
   * @param cursor absent: only where now is
   */
  since(cursor: string | undefined, limit: number, scope: Scope): Promise<StreamedMessages>
  now(): Promise<Now>
}

export interface StreamedMessages {
  readonly items: readonly MessageSummary[]
  /** How many came besides, and are theirs. */
  readonly more: number
  readonly next: string
}

export interface QueueOperations {
  summary(): Promise<QueueSummary>
  list(query: QueueQuery): Promise<QueuePage>
  show(id: string): Promise<QueueDetails | undefined>
  /** Its bytes, as they will be delivered. */
  raw(id: string): Promise<QueuedFile | undefined>
  damaged(): Promise<DamagedFiles>
  /** Reads every promised byte. */
  check(): Promise<SpoolCheck>
  act(request: QueueActionRequest): Promise<Applied>
  pauses(): Promise<Pauses>
  pause(scope: PauseScope): Promise<Pauses>
  resume(scope: PauseScope): Promise<Pauses>
}

/** A file that is handed out as it is. */
export interface Download {
  readonly fileName: string
  readonly type: string
  readonly sizeBytes: number
  read(): AsyncIterable<Uint8Array>
}

export interface QueuedFile extends Download {
  /** An entry of the chain holds it: what is in it is for those who may read the quarantine. */
  readonly quarantined: boolean
}

export interface QuarantineOperations {
  search(query: QuarantineQuery, scope: Scope): Promise<HeldPage>
  show(id: string, scope: Scope): Promise<HeldDetails | undefined>
  raw(id: string, scope: Scope): Promise<Download | undefined>
  act(request: QuarantineActionRequest, scope: Scope): Promise<QuarantineActionResult>
}

/** What a link of a digest is for. */
export interface LinkedMessage {
  readonly action: 'release' | 'delete'
  readonly id: string
  readonly recipient: string
  readonly receivedAt: number
  readonly reversePath: string
  readonly subject: string
}

export type LinkReading =
  | { readonly ok: true; readonly message: LinkedMessage }
  | {
      readonly ok: false
      /** `gone`: the message is not held any more; `not-yours`: only an administrator may. */
      readonly problem: 'forged' | 'expired' | 'used' | 'gone' | 'not-yours'
    }

/** The links in digests: whoever has one may do what it says, once. */
export interface LinkOperations {
  look(token: string): Promise<LinkReading>
  /** Does it. @returns what it did it to */
  act(token: string): Promise<LinkReading>
}

/** Who changes something, and for which text of the file they meant it. */
export interface Author {
  readonly name: string
  /** Of the text that was shown to them; absent: of none, which is refused where there is a text. */
  readonly ifMatch?: string
}

export interface ChainOperations {
  list(): Promise<Chain>
  show(name: string): Promise<ChainEntryDetails | undefined>
  preview(name: string, change: ChainEntryChange): Promise<Preview>
  change(name: string, change: ChainEntryChange, author: Author): Promise<Change>
}

export interface RelayOperations {
  list(): Promise<RelayedDomains>
  /** All of its files, or none. @throws Refusal 422 */
  add(domain: NewRelayedDomain, author: Author): Promise<RelayChange>
  /** @throws Refusal 404 */
  remove(domain: string, dryRun: boolean, author: Author): Promise<RelayChange>
}

export interface PolicyOperations {
  rules(): Promise<TcpRules>
  testRule(test: RuleTest): Promise<RuleTestResult>
  /** What a rule may set, and who reads it. */
  variables(): Promise<Variables>
  lists(target?: string): Promise<Lists>
  /** @returns whether anything was to be done */
  changeLists(what: 'add' | 'remove', change: ListChange, author: Author): Promise<boolean>
  testLists(test: ListTest): Promise<ListTestResult>
  greylist(query: PageRequest & { readonly client?: string }): Promise<GreylistPage>
  allowClient(client: string): Promise<GreylistChange>
  forgetClient(client: string): Promise<GreylistChange>
}

export interface AccountOperations {
  domains(page: PageRequest, scope: Scope): Promise<DomainPage>
  domain(name: string): Promise<Domain | undefined>
  addDomain(domain: NewDomain): Promise<Domain>
  changeDomain(name: string, change: DomainChange): Promise<Domain | undefined>
  removeDomain(name: string): Promise<boolean>
  /** @param query.domain only those of this domain; needed where the scope is not all */
  users(query: PageRequest & { readonly domain?: string }, scope: Scope): Promise<MailUserPage>
  user(user: string): Promise<MailUser | undefined>
  addUser(user: NewMailUser): Promise<MailUser>
  changeUser(user: string, change: MailUserChange): Promise<MailUser | undefined>
  removeUser(user: string): Promise<boolean>
  aliases(query: PageRequest & { readonly domain?: string }, scope: Scope): Promise<AliasPage>
  alias(address: string): Promise<Alias | undefined>
  addAlias(alias: Alias): Promise<Alias>
  /** In place of the targets it had. */
  changeAlias(alias: Alias): Promise<Alias | undefined>
  removeAlias(address: string): Promise<boolean>
  /** For a mailbox user's login. @returns whether it is their password, and they may log in */
  verify(user: string, password: string, signal: AbortSignal): Promise<boolean>
  /** Whether the account is still what it was then, and may log in. */
  isAsOf(user: string, instant: number): Promise<boolean>
}

export interface ConfigurationOperations {
  files(): Promise<ConfigurationFiles>
  /** @returns undefined for what is not there or not to be seen */
  read(path: string): Promise<FileText | undefined>
  preview(path: string, text: string): Promise<Preview>
  apply(change: FileChange, author: Author): Promise<Change>
  history(query: PageRequest & { readonly path?: string }): Promise<HistoryPage>
  historyItem(id: string): Promise<HistoryDetails | undefined>
  /** An edit like any other: back to the text from before that one. */
  rollback(id: string, author: Author): Promise<Change>
  check(): Promise<Check>
}

export interface SystemOperations {
  show(): Promise<System>
  logTail(lines: number): Promise<LogTail>
  ready(): Promise<Readiness>
  tryOut(request: TryRequest): Promise<TryResult>
}

/** All methods @throws Refusal 503 where a gateway is needed and none runs. */
export interface MaintenanceOperations {
  /** @throws Refusal 422 with the mistakes, where nothing has changed for them */
  reload(): Promise<Reloaded>
  /** @throws Refusal 422 */
  restart(request: RestartRequest): Promise<Restarted>
  admit(everybody: boolean): Promise<Reception>
  reception(): Promise<Reception>
  doctor(): Promise<Examinations>
  alerts(what: 'list' | 'test'): Promise<Alerts>
  tlsReports(query: TlsReportQuery): Promise<TlsReports>
  shadowReport(query: ShadowQuery): Promise<ShadowReport>
  controlFiles(): Promise<ControlFiles>
  compile(dryRun: boolean): Promise<CompiledFiles>
}

export interface MetricsOperations {
  /** Of all workers together. @returns undefined where no gateway answers */
  snapshot(): Promise<MetricsSnapshot | undefined>
}

export interface Operations {
  readonly messages: MessageOperations
  readonly queue: QueueOperations
  readonly quarantine: QuarantineOperations
  readonly chain: ChainOperations
  readonly policy: PolicyOperations
  readonly relays: RelayOperations
  readonly accounts: AccountOperations
  readonly configuration: ConfigurationOperations
  readonly system: SystemOperations
  readonly maintenance: MaintenanceOperations
  readonly metrics: MetricsOperations
  readonly links: LinkOperations
}
