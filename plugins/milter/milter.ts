/**
 * Lets an existing milter take part at every stage: opendkim, rspamd's proxy, clamav-milter. What it says becomes a
 * verdict, what it changes becomes edits; a body it wants to replace is a fault.
 */
import {
  defer,
  definePlugin,
  discard,
  option,
  pass,
  quarantine,
  reject,
  type Opinion,
} from 'postern/plugin'
import { formatPeerAddress, peerOption } from '../shared/peer/peer-address.ts'
import type { Answer } from './answer.ts'
import type { MessageAnswer } from './link.ts'
import { Links } from './links.ts'

export const milter = definePlugin({
  name: 'milter',
  summary: 'Attaches a milter (protocol version 6) at every stage.',
  defaults: { timeoutMs: 150_000 },
  options: {
    address: peerOption(
      option.string({
        description: 'Where it listens: 127.0.0.1:8891, inet:8891@localhost, or a path.',
      }),
    ),
    connect_timeout: option.duration({ default: '5s' }),
    reply_timeout: option.duration({
      default: '30s',
      description: 'So long it may take to answer a step.',
    }),
    message_timeout: option.duration({
      default: '120s',
      description: 'So long it may be silent over a message; its word that it is at work counts.',
    }),
  },
  setup(file, { clock, net }) {
    const { connect_timeout: connectMs, reply_timeout: patienceMs } = file
    const links = new Links({ address: file.address, connectMs, patienceMs }, { clock, net })
    return {
      async probe(signal) {
        const link = await links.open(signal)
        link.quit()
        return `${formatPeerAddress(file.address)}: negotiates`
      },
      async connect({ session }, { signal }) {
        const how = { signal, patienceMs }
        return spoken(await links.follow(session, how, (link) => link.session(session)))
      },
      async hello({ session }, { signal }) {
        const how = { signal, patienceMs }
        return spoken(await links.follow(session, how, (link) => link.session(session)))
      },
      async mail({ session, reversePath, parameters }, { signal }) {
        const how = { signal, patienceMs }
        return spoken(
          await links.follow(session, how, (link) => link.mail(session, reversePath, parameters)),
        )
      },
      async rcpt({ transaction, recipient }, { signal }) {
        const how = { signal, patienceMs }
        const { session } = transaction
        return spoken(await links.follow(session, how, (link) => link.rcpt(transaction, recipient)))
      },
      async data({ transaction }, { signal }) {
        const how = { signal, patienceMs }
        return spoken(
          await links.follow(transaction.session, how, (link) => link.data(transaction)),
        )
      },
      async message({ transaction, message }, { signal }) {
        const how = { signal, patienceMs: file.message_timeout }
        const { session } = transaction
        return judged(
          await links.follow(session, how, (link) => link.message(transaction, message)),
        )
      },
      sessionEnded: ({ id }) => links.end(id),
      async close() {
        links.endAll()
      },
    }
  },
})

/** Before the message is there, a discard can only be remembered: the link does, and the message is discarded then. */
function spoken(answer: Answer) {
  switch (answer.answer) {
    case 'reject':
      return reject(answer.status, answer.text, { reason: 'MILTER_REJECT', close: answer.close })
    case 'defer':
      return defer(answer.status, answer.text, { reason: 'MILTER_DEFER', close: answer.close })
    case 'discard':
      return pass({ reason: 'MILTER_DISCARD' })
    case 'accept':
    case 'continue':
    case 'skip':
      return pass()
  }
}

function judged(answer: MessageAnswer) {
  if (answer.answer === 'discard') return discard({ reason: 'MILTER_DISCARD' })
  if (answer.answer !== 'modified') return spoken(answer)
  const { headerEdits, envelopeEdits, quarantine: why } = answer
  const opinion: Opinion = {
    ...(headerEdits.length === 0 ? {} : { headerEdits }),
    ...(envelopeEdits.length === 0 ? {} : { envelopeEdits }),
  }
  if (why !== undefined) {
    return quarantine({ ...opinion, reason: 'MILTER_QUARANTINE', evidence: { why } })
  }
  return headerEdits.length + envelopeEdits.length === 0
    ? pass()
    : pass({ ...opinion, reason: 'MILTER_CHANGED' })
}
