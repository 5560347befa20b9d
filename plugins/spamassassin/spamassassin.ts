/**
 * Asks spamd what a message scores. The score is an opinion, added to those of others; thresholds decide. Clients that
 * may relay and logins are not asked about unless the operator says so: as with Qmail-Scanner.
 */
import {
  definePlugin,
  finding,
  formatMailbox,
  formatPath,
  option,
  pass,
  perRecipient,
  protocolName,
  receivedField,
  type HeaderEdit,
  type Message,
  type Opinion,
  type Recipient,
  type RecipientVerdict,
  type Transaction,
} from 'postern/plugin'
import { peersOption } from '../shared/peer/peer-address.ts'
import { PeerPanel } from '../shared/peer/peer-panel.ts'
import { answersByRecipient, groupedByKey } from '../shared/recipients/by-key.ts'
import { isLookedAt, strangersOption, unaskedAboutSpam } from '../shared/recipients/strangers.ts'
import { Simcontrol, simcontrolOption } from '../shared/simcontrol/simcontrol.ts'
import { spamassassinResult } from './findings.ts'
import { fast, rewritten, ruleNames, rulesIn } from './spam-fields.ts'
import {
  limitOf,
  limitOutcomes,
  spamRuleOf,
  verdictWithin,
  type LimitOutcome,
} from './spam-limit.ts'
import { askSpamd, pingSpamd, teachSpamd, type SpamdCommand, type SpamdVerdict } from './spamd.ts'

const users = ['none', 'local-part', 'address'] as const
type UserRule = (typeof users)[number]

export const spamassassin = definePlugin({
  name: 'spamassassin',
  summary: 'Asks spamd what a message scores.',
  defaults: { timeoutMs: 120_000, unless: { allowed: true } },
  provides: [spamassassinResult],
  options: {
    servers: peersOption(
      option.strings({
        default: ['127.0.0.1:783'],
        description:
          'spamd’s sockets, as 127.0.0.1:783 or /run/spamd.sock; the first that answers decides.',
      }),
    ),
    scan: strangersOption('QS_SPAMASSASSIN'),
    simcontrol: simcontrolOption('simscan’s, as text: spam=, spam_hits= and spam_passthru=.'),
    simscan_outcome: option.choice(limitOutcomes, {
      default: 'reject',
      description: 'What is done about a score that reaches somebody’s spam_hits.',
    }),
    max_size: option.size({
      default: '512KB',
      description: 'Larger messages are not scored: spam is small, and rules are slow.',
    }),
    headers: option.choice(['spamassassin', 'fast', 'none'], {
      default: 'spamassassin',
      description:
        'X-Spam-* and Subject as SpamAssassin rewrites them, as Qmail-Scanner’s fast mode does, or none.',
    }),
    subject: option.string({
      default: '',
      maxLength: 100,
      description: 'With headers: fast, what a spam’s Subject begins with, as [SPAM].',
    }),
    rules: option.boolean({
      default: true,
      description: 'Ask for the names of the rules; otherwise for the score alone.',
    }),
    weight: option.number({
      default: 1,
      description: 'What the score is multiplied by, before it is added to those of others.',
    }),
    user: option.string({
      default: '',
      description: 'Whose settings count where user_of says none.',
    }),
    user_of: option.choice(users, {
      default: 'none',
      description: 'Score once for each recipient’s own user: its local-part, or its address.',
    }),
    max_users: option.integer({
      default: 8,
      min: 1,
      max: 100,
      description: 'Recipients with more users than that are scored for `user`.',
    }),
    connect_timeout: option.duration({ default: '3s' }),
    patience: option.duration({
      default: '50s',
      description: 'So long spamd may be silent, before the next one is asked.',
    }),
  },
  setup(file, { clock, log, metrics, net }) {
    const doors = { clock, net }
    const control = new Simcontrol(file.simcontrol, log)
    const panel = new PeerPanel({
      addresses: file.servers,
      clock,
      log,
      metrics,
      ping: (address, signal) => pingSpamd(doors, address, signal),
    })
    const unasked = unaskedAboutSpam(control)
    return {
      unasked,
      check: () => control.doubts('spam', 'spam'),
      classOf(recipient, transaction, { options, findings }) {
        if (!isLookedAt(transaction.session, options.scan, findings)) return ''
        const rule = control.classOf(recipient, transaction, spamRuleOf)
        return JSON.stringify([rule, userOf(recipient, options)])
      },
      probe: (signal) => panel.probe((address) => pingSpamd(doors, address, signal)),
      async learn({ message, as, recipient }, signal) {
        const { connect_timeout: connectMs, patience: patienceMs } = file
        const user = recipient === undefined ? file.user : userOf(recipient, file)
        const call = { message, as, connectMs, patienceMs, signal, ...named(user) }
        const isNew = await panel.ask((address) => teachSpamd(doors, { address, ...call }), signal)
        log.info('spamassassin.learnt', { as, isNew })
      },
      async message({ transaction, message }, { options, findings, signal }) {
        const settled = unasked({ transaction, message }, { options, findings })
        if (settled !== undefined) return settled
        const scanned = control.scannedBy('spam', transaction)
        const command = commandFor(options)
        const { connect_timeout: connectMs, patience: patienceMs } = options
        const preface = prefaceOf(transaction, clock.now())
        const call = { command, preface, message, connectMs, patienceMs, signal }
        const { recipients } = transaction
        const groups = groupedByKey(recipients, (recipient) => userOf(recipient, options), {
          most: options.max_users,
          asked: scanned,
        })
        const asked = groups.map(({ key = options.user }) =>
          panel.ask((address) => askSpamd(doors, { address, ...call, ...named(key) }), signal),
        )
        const verdicts = await Promise.all(asked)
        const groupOf = answersByRecipient(
          groups,
          [...groups.keys()],
          recipients.map(() => -1),
        )
        const said = control.forRecipients(transaction)
        const made = { message, options, command }
        const verdictFor = verdictMaker(verdicts, made, options.simscan_outcome)
        const each = groupOf.map((group, index) => verdictFor(group, limitOf(said?.[index])))
        const [first = pass()] = each
        if (each.every((one) => one === first)) return first
        const worst = verdicts.toSorted((a, b) => b.score - a.score)[0]
        return perRecipient(each, {
          reason: 'SPAM_SCORES',
          ...(worst === undefined ? {} : { findings: [factOf(worst, command)] }),
        })
      },
    }
  },
})

/** The options that a verdict is made by. */
interface Rules {
  readonly headers: 'spamassassin' | 'fast' | 'none'
  readonly subject: string
  readonly rules: boolean
  readonly weight: number
  readonly user: string
  readonly user_of: UserRule
}

function commandFor({ headers, rules }: Rules): SpamdCommand {
  if (headers === 'spamassassin') return 'HEADERS'
  return rules ? 'SYMBOLS' : 'CHECK'
}

function userOf({ mailbox }: Recipient, { user, user_of: rule }: Rules): string {
  if (rule === 'none') return user
  return rule === 'address' ? formatMailbox(mailbox).toLowerCase() : mailbox.localPart.toLowerCase()
}

/** A name that would end its line, or is none at all, is not said. */
function named(user: string): { readonly user?: string } {
  return user === '' || /[\p{Cc}]/u.test(user) ? {} : { user: user.slice(0, 320) }
}

/** SpamAssassin believes what the first fields say of the client: ours must be above those of strangers. */
function prefaceOf({ session, id, reversePath, parameters }: Transaction, at: number): string {
  const protocol = protocolName(session, parameters.smtputf8 ?? false)
  const { remoteName } = session
  const facts = { session, protocol, id, at, ...(remoteName === undefined ? {} : { remoteName }) }
  const path = formatPath(reversePath).replace(/[^\x20-\x7e]/g, '?')
  const received = receivedField(facts).replace(/[^\s\x20-\x7e]/g, '?')
  return `Return-Path: ${path}\r\nReceived: ${received}\r\n`
}

interface Made {
  readonly message: Message
  readonly options: Rules
  readonly command: SpamdCommand
}

/** One verdict for each group and limit: recipients with the same share it, and where all do it is the message's. */
function verdictMaker(
  verdicts: readonly SpamdVerdict[],
  made: Made,
  outcome: LimitOutcome,
): (group: number, limit: number | undefined) => RecipientVerdict<'spamassassin'> {
  const known = new Map<string, RecipientVerdict<'spamassassin'>>()
  return (group, limit) => {
    const verdict = verdicts[group]
    if (verdict === undefined) return pass()
    const key = `${group} ${limit}`
    const before = known.get(key)
    if (before !== undefined) return before
    const scored = { score: verdict.score, opinion: opinionOf(verdict, made) }
    const within = verdictWithin(limit, scored, outcome)
    known.set(key, within)
    return within
  }
}

function opinionOf(
  verdict: SpamdVerdict,
  { message, options, command }: Made,
): Opinion<'spamassassin'> {
  const { spam, score, required } = verdict
  const rules = rulesOf(verdict, command)
  const headerEdits = editsFor(verdict, message, options)
  return {
    reason: spam ? 'SPAM' : 'NO_SPAM',
    evidence: { score, required, rules: rules.join(' ').slice(0, 1000) },
    score: score * options.weight,
    findings: [factOf(verdict, command)],
    ...(headerEdits.length === 0 ? {} : { headerEdits }),
  }
}

function factOf(verdict: SpamdVerdict, command: SpamdCommand) {
  const { score, required, spam } = verdict
  return finding(spamassassinResult, { score, required, spam, rules: rulesOf(verdict, command) })
}

function rulesOf({ body }: SpamdVerdict, command: SpamdCommand): readonly string[] {
  if (command === 'HEADERS') return rulesIn(body)
  return command === 'SYMBOLS' ? ruleNames(body.split(/[\s,]+/)) : []
}

function editsFor(verdict: SpamdVerdict, { header }: Message, rules: Rules): readonly HeaderEdit[] {
  switch (rules.headers) {
    case 'none':
      return []
    case 'fast':
      return fast(header, verdict, rules.subject)
    case 'spamassassin':
      return rewritten(header, verdict.body)
  }
}
