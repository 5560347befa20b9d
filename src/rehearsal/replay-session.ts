/** Puts a recorded session to a policy, question by question, as the receiver did: as far as it went then, and no further. */
import type { FilterPolicy } from '../filter/policy.ts'
import type { Recipient } from '../mail/envelope.ts'
import type { Session, Transaction } from '../mail/session.ts'
import { stages, type Stage } from '../mail/status.ts'
import type { SessionPolicy } from '../smtp/policy.ts'
import { recordedMessage } from './recorded-message.ts'
import type { RecordedSession } from './recorded-session.ts'
import type { ReplayCase } from './replay-case.ts'

type Open<T> = { -readonly [K in keyof T]: T[K] }

/** A new trace lies where the policy writes its own, unless nothing at all was refused or opened. */
export async function replaySession(policy: FilterPolicy, replayCase: ReplayCase): Promise<void> {
  const { recorded } = replayCase
  const { trace, remote, local, remoteName, tls, implicitTls, login } = recorded
  const facts = {
    id: trace.session,
    startedAt: trace.startedAt,
    listener: trace.listener,
    remote,
    local,
    ...(remoteName === undefined ? {} : { remoteName }),
    ...(tls === undefined || !implicitTls ? {} : { tls }),
    ...(login?.proxied === true ? { user: login.user } : {}),
    ...(recorded.handedOver ? { environment: recorded.environment } : {}),
  }
  const asked = policy.open(facts)
  const { hostname } = asked.settings
  const session: Open<Session> = { ...facts, hostname, environment: asked.environment }
  try {
    if (await greets(asked, session, replayCase)) await transact(asked, session, replayCase)
  } finally {
    asked.sessionEnded('quit')
  }
}

/** How far it came then. */
function reached({ trace }: RecordedSession, stage: Stage): boolean {
  return stages.indexOf(trace.stage) >= stages.indexOf(stage)
}

async function greets(
  asked: SessionPolicy,
  session: Open<Session>,
  replayCase: ReplayCase,
): Promise<boolean> {
  const { recorded, silence } = replayCase
  if ((await asked.connect({ session, silence })).ruling !== 'pass') return false
  const { hello, tls, login } = recorded
  if (tls !== undefined) session.tls = tls
  if (hello !== undefined) {
    session.hello = hello
    if ((await asked.hello({ session })).ruling !== 'pass') return false
  }
  if (login === undefined || login.proxied) return true
  const { user } = login
  const ruling = await asked.auth({ session, mechanism: 'PLAIN', user, password: '' })
  if (ruling.ruling !== 'accept') {
    replayCase.refusedLogin = ruling
    return false
  }
  session.user = user
  session.environment = asked.environment
  return true
}

async function transact(
  asked: SessionPolicy,
  session: Session,
  replayCase: ReplayCase,
): Promise<void> {
  const { recorded } = replayCase
  const { trace, reversePath, parameters } = recorded
  if (reversePath === undefined) return
  const mail = { transactionId: trace.id, session, reversePath, parameters }
  if ((await asked.mail(mail)).ruling !== 'pass') return
  const recipients: Recipient[] = []
  const { id, startedAt } = trace
  const transaction = { id, session, startedAt, reversePath, parameters, recipients }
  for (const [index, recipient] of recorded.recipients.entries()) {
    replayCase.round = index + 1
    // oxlint-disable-next-line no-await-in-loop -- one command after the other
    if ((await asked.rcpt({ transaction, recipient })).ruling === 'pass') recipients.push(recipient)
  }
  replayCase.round = 0
  const end = await deliver(asked, transaction, replayCase)
  asked.transactionEnded(transaction, { end })
}

async function deliver(
  asked: SessionPolicy,
  transaction: Transaction,
  replayCase: ReplayCase,
): Promise<'committed' | 'refused' | 'aborted'> {
  const { recorded } = replayCase
  if (transaction.recipients.length === 0 || !reached(recorded, 'data')) return 'aborted'
  if ((await asked.data({ transaction })).ruling !== 'pass') return 'refused'
  if (!reached(recorded, 'message')) return 'aborted'
  const { head, trace } = recorded
  const { ruling } = await asked.message({
    transaction,
    message: recordedMessage(recorded, {
      missed: (what) => replayCase.missed(what),
      body: () => replayCase.body(),
      isAsked: () => replayCase.isAsked,
    }),
    ...(head === undefined ? {} : { head }),
    entering: () => [],
    answers: trace.each ? 'each' : 'one',
  })
  return ruling === 'commit' || ruling === 'each' ? 'committed' : 'refused'
}
