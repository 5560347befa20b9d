/** All that a plugin author imports: the contract, and the vocabulary it speaks. */
export { definePlugin } from './plugin.ts'
export type {
  Credentials,
  DigestResponse,
  EntryDefaults,
  FaultOutcome,
  LoginName,
  Observation,
  Plugin,
  PluginDefinition,
  PluginDelivery,
  PluginDoors,
  PluginInstance,
  SignatureField,
  Signing,
} from './plugin.ts'
export type { HookContext, Hooks, Stages, Vouches } from './stage.ts'
export { accept, defer, discard, pass, perRecipient, quarantine, reject } from './verdict.ts'
export type {
  Accept,
  Defer,
  Discard,
  Pass,
  PerRecipient,
  Quarantine,
  RecipientVerdict,
  RefusalOptions,
  Reject,
  Verdict,
} from './verdict.ts'
export type { Opinion } from './opinion.ts'
export { finding, findingKey, relayClient } from './finding.ts'
export type { Finding, FindingKey, Findings } from './finding.ts'
export { option } from './option-makers.ts'
export type { Option, OptionSettings, OptionShape, OptionValues, Parsed } from './option.ts'
export type { ConditionShape } from './condition.ts'
export { parseNetworks } from './networks.ts'
export type { Networks } from './networks.ts'
export type { CdbTable, FileTemplate, FollowedFile, Live, Table } from './table.ts'

export {
  formatMailbox,
  formatPath,
  mailboxKey,
  parseMailbox,
  sameMailbox,
} from '../mail/address.ts'
export type { Mailbox } from '../mail/address.ts'
export { clientNetwork, customerNetwork } from '../mail/client-network.ts'
export type { PrefixLengths } from '../mail/client-network.ts'
export { asciiDomain, isAddressLiteral, isDomain, literalAddress } from '../mail/domain.ts'
export type { DeliveryResult } from '../mail/delivery-result.ts'
export type { EnvelopeEdit, HeaderEdit } from '../mail/edits.ts'
export type {
  BodyType,
  Envelope,
  MailParameters,
  Recipient,
  ReversePath,
} from '../mail/envelope.ts'
export type { Environment } from '../mail/environment.ts'
export { isPosternError, PosternError } from '../mail/errors.ts'
export type { ErrorCode } from '../mail/errors.ts'
export { parseHeader } from '../mail/header.ts'
export type { Header, HeaderField, HeaderLimits } from '../mail/header.ts'
export type { Instant } from '../mail/instant.ts'
export type { JsonObject, JsonValue } from '../mail/json.ts'
export { isCramMd5Digest, isPasswordOf, scramKeys } from '../mail/login-secret.ts'
export type { LoginSecret, PlainSecret, ScramKeys } from '../mail/login-secret.ts'
export type { MaybePromise } from '../mail/maybe-promise.ts'
export type { ByteRange, Message } from '../mail/message.ts'
export type { PluginRoute, Route } from '../mail/route.ts'
export type {
  ClientCertificate,
  Endpoint,
  Session,
  TlsState,
  Transaction,
} from '../mail/session.ts'
export { stages } from '../mail/status.ts'
export type {
  EnhancedStatus,
  PermanentStatus,
  Stage,
  SuccessStatus,
  TransientStatus,
} from '../mail/status.ts'

export type { Clock, Timer } from '../runtime/clock.ts'
export type { Counters } from '../runtime/counters.ts'
export type { Dns, DnsAnswer, MxRecord } from '../runtime/dns.ts'
export type { Job, Jobs, JobTools } from '../runtime/jobs.ts'
export type { Log, LogFields } from '../runtime/log.ts'
export type { ConnectOptions, Connection, Net, NetAddress } from '../runtime/net.ts'
export type {
  ProgramCall,
  ProgramEnd,
  ProgramInput,
  ProgramResult,
  Programs,
  RunningProgram,
  RunningProgramHandlers,
} from '../runtime/programs.ts'
export type { Random } from '../runtime/random.ts'
export type { Store, StoreEntry, StoreRange, StoreTable } from '../runtime/store.ts'

export { domainKeys, moreRcpthosts, parseRcpthosts } from '../formats/control-domains.ts'
export type { DomainList } from '../formats/control-domains.ts'
export { controlInteger, controlLine, controlList, controlTable } from '../formats/control.ts'
export type { ControlEntry, ControlReading } from '../formats/control.ts'
export type { LineMistake } from '../formats/line-mistake.ts'
