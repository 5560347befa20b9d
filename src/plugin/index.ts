/** All that a plugin author imports: the contract, and the vocabulary it speaks. */
export { definePlugin } from './plugin.ts'
export type {
  Credentials,
  DigestResponse,
  Doubt,
  EntryDefaults,
  LoginEnd,
  Lesson,
  LoginName,
  Observation,
  Plugin,
  PluginDefinition,
  PluginDelivery,
  PluginDoors,
  PluginInstance,
  SignatureField,
  Signing,
  TakenMessage,
  Vouching,
} from './plugin.ts'
export { outcomeCounter } from './metrics.ts'
export type { PluginMetrics } from './metrics.ts'
export type { Counter, Gauge, Histogram, MetricLabels } from '../runtime/metrics/metrics.ts'
export type { FaultOutcome, HookContext, Hooks, Stages, Vouches } from './stage.ts'
export { accept, defer, discard, pass, perRecipient, quarantine, reject } from './verdict.ts'
export type {
  Accept,
  AnyVerdict,
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
export { allowed, finding, findingKey, relayClient } from './finding.ts'
export type { Finding, FindingKey, Findings, ReadByAll } from './finding.ts'
export { option } from './option-makers.ts'
export type { Option, OptionSettings, OptionShape, OptionValues, Parsed } from './option.ts'
export type { Conditions, ConditionShape } from './condition.ts'
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
export { claimsToBe } from '../mail/authentication-results.ts'
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
export type { CatchAll, MailAlias, MailDomain } from '../mail/mail-domain.ts'
export type { Replacement } from '../mail/replacement.ts'
export { parseHeader } from '../mail/header.ts'
export type { Header, HeaderField, HeaderLimits } from '../mail/header.ts'
export { fieldText } from '../mail/header-field.ts'
export type { Instant } from '../mail/instant.ts'
export type { JsonObject, JsonValue } from '../mail/json.ts'
export { isApopDigest, isCramMd5Digest, isPasswordOf, scramKeys } from '../mail/login-secret.ts'
export type {
  LoginGrant,
  LoginSecret,
  LoginVariables,
  PlainSecret,
  ScramKeys,
} from '../mail/login-secret.ts'
export { after, together, type MaybePromise } from '../mail/maybe-promise.ts'
export type { ByteRange, Message } from '../mail/message.ts'
export { decodeText, decoderOf } from '../mail/mime/charset.ts'
export { contentChunks, contentOf, readContent } from '../mail/mime/content.ts'
export { decodeWords } from '../mail/mime/encoded-words.ts'
export { extensionOf, namesOnDisk } from '../mail/mime/file-names.ts'
export { mimeLimits } from '../mail/mime/limits.ts'
export { readMimeTree } from '../mail/mime/read-tree.ts'
export type { ByteSource } from '../mail/mime/source.ts'
export type {
  MimeAmbiguity,
  MimeAmbiguityKind,
  MimeLimit,
  MimePart,
  MimeReading,
  MimeTree,
  TransferEncoding,
} from '../mail/mime/tree.ts'
export { UuDecoder } from '../mail/mime/uuencode.ts'
export type { PluginRoute, Route } from '../mail/route.ts'
export type {
  ClientCertificate,
  Endpoint,
  Session,
  TlsState,
  Transaction,
} from '../mail/session.ts'
export type { Silence } from '../mail/silence.ts'
export { Srs } from '../mail/srs.ts'
export type { SrsOptions, SrsReading } from '../mail/srs.ts'
export { protocolName, receivedField } from '../mail/trace-fields.ts'
export { stages } from '../mail/status.ts'
export type {
  EnhancedStatus,
  PermanentStatus,
  Stage,
  SuccessStatus,
  TransientStatus,
} from '../mail/status.ts'

export { accountKey } from '../runtime/accounts.ts'
export type { Account, AccountEntry, AccountReader } from '../runtime/accounts.ts'
export { isDeadEnd } from '../runtime/dead-end.ts'
export { findAddress, findLogin, quotaOf } from '../runtime/find-address.ts'
export type { FoundAddress } from '../runtime/find-address.ts'
export { addressNames } from '../runtime/address-names.ts'
export type { AddressNames } from '../runtime/address-names.ts'
export type { Clock, Timer } from '../runtime/clock.ts'
export type {
  Continuation,
  Continuations,
  HandedBack,
  OfferedEnvelope,
} from '../runtime/continuations.ts'
export type { Counters } from '../runtime/counters.ts'
export type { Dns, DnsAnswer, HeardAnswer, MxRecord } from '../runtime/dns.ts'
export type { Job, Jobs, JobTools } from '../runtime/jobs.ts'
export type { Log, LogFields } from '../runtime/log.ts'
export type { MailboxRoom } from '../runtime/mailbox-room.ts'
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

export { assignCdb, parseAssign } from '../formats/assign.ts'
export type { Assignments } from '../formats/assign.ts'
export {
  domainKeys,
  moreRcpthosts,
  parseLocals,
  parseRcpthosts,
  parseVirtualDomains,
} from '../formats/control-domains.ts'
export type { DomainList } from '../formats/control-domains.ts'
export { controlInteger, controlLine, controlList, controlTable } from '../formats/control.ts'
export type { ControlEntry, ControlReading } from '../formats/control.ts'
export { authRecordRemedy, parseAuthLines, readAuthRecord } from '../formats/auth-cdb.ts'
export type { AuthLines, AuthRecord } from '../formats/auth-cdb.ts'
export { parseScramSecret } from '../formats/scram-secret.ts'
export { checkpasswordAnswer, checkpasswordInput } from '../formats/checkpassword.ts'
export type { CheckpasswordLogin } from '../formats/checkpassword.ts'
export { isPasswordOfHash } from './password-check.ts'
export { compileLists } from '../formats/list-lookup.ts'
export type { ListedMail, ListRuling, SenderLists } from '../formats/list-lookup.ts'
export { formatListRule, parseListRules } from '../formats/list-rules.ts'
export type { ListRule } from '../formats/list-rules.ts'
export { parsePercentHack, withoutPercentSigns } from '../formats/percent-hack.ts'
export { parseRouteTarget, routeTargetRemedy } from '../formats/route-target.ts'
export type { RouteTarget } from '../formats/route-target.ts'
export { lfLines } from '../formats/lf-lines.ts'
export { formatPlainAddress } from '../formats/qmail-address.ts'
export { qmailEnvelopeBytes } from '../formats/qmail-queue-protocol.ts'
export { qmailQueueCrashed, qmailQueueReply } from '../formats/qmail-queue-replies.ts'
export type { QmailQueueReply } from '../formats/qmail-queue-replies.ts'
export type { LineMistake } from '../formats/line-mistake.ts'
export { FileMistakes } from './file-mistakes.ts'
export { isMeant, parseQuarantineEvents } from '../formats/quarantine-events.ts'
export type { QuarantineEvent } from '../formats/quarantine-events.ts'
export { parseSimcontrol, simOptionsFor } from '../formats/simcontrol.ts'
export type { SimControl, SimOptions } from '../formats/simcontrol.ts'
