/** A policy that passes everything, unless a test says otherwise, and remembers what it was asked and told. */
import { emptyEnvironment } from '../mail/environment.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import { passRuling, type Ruling } from '../mail/ruling.ts'
import type { Transaction } from '../mail/session.ts'
import type { Placement } from '../queue/queue.ts'
import type {
  AuthRuling,
  ConnectionFacts,
  Introduction,
  MailRefusal,
  MessageRuling,
  Policy,
  ReceiverSettings,
  SecretRuling,
  SessionPolicy,
  TransactionOutcome,
} from '../smtp/policy.ts'

type Question = 'connect' | 'hello' | 'secretFor' | 'auth' | 'mail' | 'rcpt' | 'data' | 'message'

/** The answers of a test, in place of `pass`, of nobody's yes at `auth`, and of `commit` at `message`. */
export type Script = { -readonly [Q in Question]?: SessionPolicy[Q] }

export interface ScriptedPolicy extends Policy {
  readonly script: Script
  settings: ReceiverSettings
  /** What was asked and told, in order: `connect`, `rcpt`, `transaction committed`, `session quit`. */
  readonly history: readonly string[]
  readonly opened: readonly ConnectionFacts[]
  /** MAIL that the receiver itself refused. */
  readonly turnedAway: readonly MailRefusal[]
  readonly transactions: readonly { transaction: Transaction; outcome: TransactionOutcome }[]
}

export const testSettings: ReceiverSettings = {
  hostname: 'mx.test',
  greeting: 'mx.test ESMTP',
  localIpHost: 'mx.test',
  lenientAddresses: false,
  maxMessageBytes: 100_000,
  maxRecipients: 100,
  maxErrors: 10,
  maxFailedLogins: 5,
  maxRefusedRecipients: 10,
  maxIdleCommands: 1_000,
  tarpit: { after: 0, delayMs: 0 },
  maxHops: 30,
  maxHeaderBytes: 262_144,
  maxHeaderFields: 1_000,
  maxTextLineBytes: 0,
  lineEnds: 'refuse',
  nul: 'refuse',
  extensionsOff: [],
  commandTimeoutMs: 300_000,
  dataTimeoutMs: 180_000,
  dataPace: { minBytesPerSecond: 0, windowMs: 60_000 },
  starttls: 'offered',
  mechanisms: ['PLAIN', 'LOGIN'],
  apop: false,
  authWithoutTls: false,
  authRequired: false,
  logsMail: false,
  logsRecipients: false,
  protocol: 'smtp',
  prdr: false,
  binaryMime: false,
  splitsByClass: false,
  qmqpClients: { has: () => false },
  etrnClients: { has: () => false },
  completesHeader: false,
  replyIds: false,
}

export function scriptedPolicy(
  script: Script = {},
  settings: Partial<ReceiverSettings> = {},
): ScriptedPolicy {
  const history: string[] = []
  const opened: ConnectionFacts[] = []
  const turnedAway: MailRefusal[] = []
  const transactions: { transaction: Transaction; outcome: TransactionOutcome }[] = []

  const session = (policy: ScriptedPolicy): SessionPolicy => {
    const ask = <E, A>(question: Question, event: E, answer: (event: E) => A): A => {
      history.push(question)
      return answer(event)
    }
    return {
      environment: emptyEnvironment,
      get settings() {
        return policy.settings
      },
      connect: (event) => ask('connect', event, script.connect ?? pass),
      hello: (event) => ask('hello', event, script.hello ?? pass),
      secretFor: (event) => ask('secretFor', event, script.secretFor ?? nobody),
      auth: (event) => ask('auth', event, script.auth ?? nobody),
      mail: (event) => ask('mail', event, script.mail ?? pass),
      mailRefused: (refusal) => void turnedAway.push(refusal),
      rcpt: (event) => ask('rcpt', event, script.rcpt ?? pass),
      data: (event) => ask('data', event, script.data ?? pass),
      message: (event) => ask('message', event, script.message ?? commit),
      transactionEnded(transaction, outcome) {
        history.push(`transaction ${outcome.end}`)
        transactions.push({ transaction, outcome })
      },
      sessionEnded: (reason) => void history.push(`session ${reason}`),
    }
  }

  return {
    script,
    settings: { ...testSettings, ...settings },
    history,
    opened,
    transactions,
    turnedAway,
    introduce: () => unknownClient,
    tlsFor: () => undefined,
    open(facts) {
      opened.push(facts)
      return session(this)
    },
  }
}

const unknownClient: Introduction = { environment: emptyEnvironment, denied: false, limits: {} }
const pass = (): Ruling => passRuling
const nobody = (): AuthRuling & SecretRuling => ({
  ruling: 'reject',
  status: '5.7.8',
  text: 'Authentication failed',
  close: false,
})
const commit = ({ transaction }: { readonly transaction: Transaction }): MessageRuling => ({
  ruling: 'commit',
  placements: [placementOf(transaction)],
})

/** The same policy, but every answer takes a turn of the event loop. */
export function slowPolicy(policy: Policy): Policy {
  const later = <T>(answer: () => MaybePromise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      setImmediate(() => {
        Promise.try(answer).then(resolve, reject)
      })
    })
  return {
    introduce: (newcomer) => later(() => policy.introduce(newcomer)),
    tlsFor: (listener, introduction) => policy.tlsFor(listener, introduction),
    open(facts) {
      const session = policy.open(facts)
      return {
        get environment() {
          return session.environment
        },
        get settings() {
          return session.settings
        },
        connect: (event) => later(() => session.connect(event)),
        hello: (event) => later(() => session.hello(event)),
        secretFor: (event) => later(() => session.secretFor(event)),
        auth: (event) => later(() => session.auth(event)),
        mail: (event) => later(() => session.mail(event)),
        mailRefused: (refusal) => session.mailRefused(refusal),
        rcpt: (event) => later(() => session.rcpt(event)),
        data: (event) => later(() => session.data(event)),
        message: (event) => later(() => session.message(event)),
        transactionEnded: (transaction, outcome) => session.transactionEnded(transaction, outcome),
        sessionEnded: (reason) => session.sessionEnded(reason),
      }
    },
  }
}

/** The whole transaction, to be delivered as it is. */
export function placementOf(transaction: Transaction): Placement {
  const { reversePath, recipients, parameters, session } = transaction
  return {
    envelope: {
      reversePath,
      recipients,
      bodyType: parameters.bodyType ?? '7bit',
      smtputf8: parameters.smtputf8 ?? false,
      requireTls: parameters.requireTls ?? false,
      ...(session.user === undefined ? {} : { user: session.user }),
    },
    disposition: 'deliver',
    headerEdits: [],
  }
}
