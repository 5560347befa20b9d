/**
 * Allow and block lists of clients and senders, for the host, a domain or a recipient: the nearest that says anything
 * decides. What is blocked is refused; what is allowed is a finding (`allowed`), by which the chain leaves out whatever
 * only judges a reputation. It never vouches, and never lifts what looks for viruses, relaying or recipients.
 */
import {
  after,
  allowed,
  compileLists,
  definePlugin,
  finding,
  formatListRule,
  mailboxKey,
  option,
  parseListRules,
  pass,
  perRecipient,
  reject,
  type FollowedFile,
  type Live,
  type Log,
  type ListRule,
  type ListRuling,
  type MaybePromise,
  type SenderLists,
  type Session,
} from 'postern/plugin'
import { dkimResult } from '../dkim/findings.ts'
import { spfResult } from '../spf/findings.ts'
import { authorsIn } from './authors.ts'
import { ClientNames } from './client-names.ts'
import { proofIn } from './proof.ts'

export const lists = definePlugin({
  name: 'lists',
  summary: 'Allows and blocks clients and senders, for the host, a domain or a recipient.',
  defaults: { unless: { authenticated: true } },
  provides: [allowed],
  wants: [spfResult, dkimResult],
  options: {
    file: option.file({
      default: 'tables/lists',
      description: 'One rule a line; postern list add and remove write it.',
    }),
    text: option.string({
      default: 'You are not welcome here',
      maxLength: 400,
      description: 'What is said to those who are blocked.',
    }),
  },
  setup({ file }, { clock, dns, log }) {
    const live = followLists(file, log)
    const names = new ClientNames({ clock, dns })
    /** The name is looked up only where a rule asks for one. */
    const clientOf = (session: Session): MaybePromise<Client> => {
      const { address } = session.remote
      const name = live.current.looksAt('name') ? names.of(session) : undefined
      return after(name, (known) => ({ address, name: known }))
    }
    return {
      /** What is allowed by the client alone: then no list of others is asked about it. */
      connect({ session }) {
        return after(clientOf(session), (client) => {
          const ruling = live.current.judge({ ...client, isProven: nobody })
          return ruling?.says === 'allow' ? pass(allowing(ruling.rule)) : pass()
        })
      },
      rcpt({ transaction: { session, reversePath }, recipient }, { options, findings }) {
        return after(clientOf(session), (client) => {
          const mail = { ...client, sender: reversePath, isProven: proofIn(findings) }
          const ruling = live.current.judge(mail, recipient.mailbox)
          if (ruling === undefined) return pass()
          // Asked once more after the stages before RCPT: whoever has no proof by now has none.
          const again = findings.get(allowed)?.holds === 'unproven'
          const awaited = ruling.says === 'unproven' ? ruling.rule : ruling.nearer
          if (awaited !== undefined && !again && findings.get(spfResult) === undefined) {
            return pass(allowing(awaited, 'unproven'))
          }
          if (ruling.says === 'allow') return pass(allowing(ruling.rule))
          if (ruling.says === 'block') return reject('5.7.1', options.text, blocking(ruling.rule))
          return pass({ reason: 'UNPROVEN', ...allowing(ruling.rule, 'no') })
        })
      },
      /** Who wrote the message and who signed it is known only now. */
      async message({ transaction, message }, { options, findings }) {
        const { current } = live
        if (!current.looksAt('from', 'sender')) return pass()
        const { session, reversePath, recipients } = transaction
        const mail = {
          ...(await clientOf(session)),
          sender: reversePath,
          from: authorsIn(message.header.all('from')),
          isProven: proofIn(findings),
        }
        const rulings = recipients.map(({ mailbox }) => current.judge(mail, mailbox))
        const welcome = recipients.filter((_, index) => rulings[index]?.says === 'allow')
        const [first] = rulings.filter((ruling) => ruling?.says === 'allow')
        const said =
          first === undefined
            ? {}
            : allowing(
                first.rule,
                'yes',
                welcome.map(({ mailbox }) => mailboxKey(mailbox)),
              )
        if (!rulings.some((ruling) => ruling?.says === 'block')) return pass(said)
        const verdicts = rulings.map((ruling) =>
          ruling?.says === 'block' ? reject('5.7.1', options.text, blocking(ruling.rule)) : pass(),
        )
        return perRecipient(verdicts, said)
      },
    }
  },
})

interface Client {
  readonly address: string
  readonly name: string | undefined
}

const nobody = (): boolean => false

function allowing(
  rule: ListRule,
  holds: 'yes' | 'no' | 'unproven' = 'yes',
  recipients?: readonly string[],
) {
  const because = formatListRule(rule)
  const whom = recipients === undefined ? {} : { recipients }
  return {
    ...(holds === 'yes' ? { reason: 'ALLOWED' } : {}),
    evidence: { rule: because, line: rule.line },
    findings: [finding(allowed, { holds, because, ...whom })],
  }
}

function blocking(rule: ListRuling['rule']) {
  return { reason: 'BLOCKED', evidence: { rule: formatListRule(rule), line: rule.line } }
}

/** Mistakes at the start are refused; a file that gets some later changes nothing, and the log says why. */
function followLists(file: FollowedFile, log: Log): Live<SenderLists> {
  let good: SenderLists | undefined
  return file.follow((bytes) => {
    const { rules, mistakes } = parseListRules(bytes)
    const [first] = mistakes
    if (first === undefined) return (good = compileLists(rules))
    const { line, text, remedy } = first
    if (good === undefined) throw new Error(`${file.path}:${line}: ${text}: ${remedy}`)
    log.error('lists.not-taken', { path: file.path, line, text, remedy })
    return good
  })
}
