/**
 * Asks rspamd what it would do with a message, and does what the operator has it mean. The score is an opinion beside
 * that, added to those of others. Clients that may relay and logins are not asked about unless the operator says so.
 */
import {
  controlLine,
  defer,
  definePlugin,
  discard,
  fieldText,
  finding,
  formatMailbox,
  option,
  pass,
  perRecipient,
  quarantine,
  reject,
  type HeaderEdit,
  type Message,
  type Recipient,
  type RecipientVerdict,
} from 'postern/plugin'
import { peersOption } from '../shared/peer/peer-address.ts'
import { PeerPanel } from '../shared/peer/peer-panel.ts'
import { answersByRecipient, groupedByKey } from '../shared/recipients/by-key.ts'
import { isLookedAt, strangersOption, unaskedAboutSpam } from '../shared/recipients/strangers.ts'
import { forThoseScanned, Simcontrol, simcontrolOption } from '../shared/simcontrol/simcontrol.ts'
import type { RspamdAnswer } from './answer.ts'
import { rspamdResult } from './findings.ts'
import { askRspamd, pingRspamd, teachRspamd } from './rspamd-client.ts'

const outcomes = ['reject', 'defer', 'quarantine', 'discard', 'tag', 'pass'] as const
type Outcome = (typeof outcomes)[number]

export const rspamd = definePlugin({
  name: 'rspamd',
  summary: 'Asks rspamd what to do with a message.',
  defaults: { timeoutMs: 90_000, unless: { allowed: true } },
  provides: [rspamdResult],
  options: {
    servers: peersOption(
      option.strings({
        default: ['127.0.0.1:11333'],
        description:
          'Workers that scan, as 127.0.0.1:11333 or a path; the first that answers decides.',
      }),
    ),
    controllers: peersOption(
      option.strings({ default: ['127.0.0.1:11334'], description: 'Where it is taught.' }),
    ),
    password: option.file({
      default: 'control/rspamdpassword',
      description: 'The controller’s password, one line.',
    }),
    scan: strangersOption('QS_SPAMASSASSIN'),
    simcontrol: simcontrolOption('simscan’s, as text: spam=yes and spam=no.'),
    max_size: option.size({ default: '50MB', description: 'Larger messages are not sent.' }),
    reject: option.choice(outcomes, {
      default: 'reject',
      description: 'What becomes of a message that rspamd would reject.',
    }),
    soft_reject: option.choice(outcomes, { default: 'defer' }),
    greylist: option.choice(outcomes, { default: 'defer' }),
    rewrite_subject: option.choice(outcomes, { default: 'tag' }),
    add_header: option.choice(outcomes, { default: 'tag' }),
    headers: option.boolean({
      default: true,
      description: 'Write and remove the fields that rspamd’s own milter would.',
    }),
    weight: option.number({
      default: 1,
      description: 'What the score is multiplied by, before it is added to those of others.',
    }),
    settings_id: option.string({ default: '', env: 'RSPAMD_SETTINGS', maxLength: 100 }),
    per_recipient: option.boolean({
      default: false,
      description: 'Ask once for each recipient, whose settings may differ.',
    }),
    max_questions: option.integer({
      default: 8,
      min: 1,
      max: 100,
      description: 'Recipients beyond so many are asked about together.',
    }),
    connect_timeout: option.duration({ default: '3s' }),
    patience: option.duration({
      default: '40s',
      description: 'So long rspamd may be silent, before the next one is asked.',
    }),
  },
  setup(file, { clock, log, metrics, net }) {
    const doors = { clock, net }
    const control = new Simcontrol(file.simcontrol, log)
    const password = file.password.follow((bytes) => controlLine(bytes, '').value)
    const panelOf = (addresses: typeof file.servers): PeerPanel =>
      new PeerPanel({
        addresses,
        clock,
        log,
        metrics,
        ping: (address, signal) => pingRspamd(doors, address, signal),
      })
    const workers = panelOf(file.servers)
    const controllers = panelOf(file.controllers)
    const { connect_timeout: connectMs, patience: patienceMs } = file
    const unasked = unaskedAboutSpam(control)
    return {
      unasked,
      check: () => control.doubts('spam', 'spam'),
      classOf(recipient, transaction, { options, findings }) {
        if (!isLookedAt(transaction.session, options.scan, findings)) return ''
        const isScanned = control.classOf(recipient, transaction, ({ spam }) => spam === true)
        return JSON.stringify([isScanned, askedAs(recipient, options)])
      },
      probe: (signal) => workers.probe((address) => pingRspamd(doors, address, signal)),
      async learn(lesson, signal) {
        const call = { ...lesson, password: password.current, connectMs, patienceMs, signal }
        const said = await controllers.ask(
          (address) => teachRspamd(doors, { address, ...call }),
          signal,
        )
        if (!said.taught) throw new Error(`rspamd declines: ${said.why}`)
        log.info('rspamd.learnt', { as: lesson.as, isNew: said.isNew })
      },
      async message({ transaction, message }, { options, findings, signal }) {
        const settled = unasked({ transaction, message }, { options, findings })
        if (settled !== undefined) return settled
        const { recipients } = transaction
        const scanned = control.scannedBy('spam', transaction)
        const groups = groupedByKey(recipients, (recipient) => askedAs(recipient, options), {
          most: options.max_questions,
          asked: scanned,
        })
        const call = { transaction, message, connectMs, patienceMs, signal }
        const asked = groups.map(({ recipients: indexes }) => {
          const about = recipients.filter((_, index) => indexes.includes(index))
          const question = { ...call, recipients: about, settingsId: options.settings_id }
          return workers.ask((address) => askRspamd(doors, { address, ...question }), signal)
        })
        const answers = await Promise.all(asked)
        const verdicts = answers.map((answer) => judged(answer, message, options))
        const [only] = verdicts
        if (verdicts.length === 1 && only !== undefined) return forThoseScanned(only, scanned)
        const worst = answers.toSorted((a, b) => b.score - a.score)[0]
        return perRecipient(
          answersByRecipient(
            groups,
            verdicts,
            recipients.map(() => pass()),
          ),
          {
            reason: 'RSPAMD',
            ...(worst === undefined ? {} : { findings: [factOf(worst)] }),
          },
        )
      },
    }
  },
})

/** Under which name rspamd looks for settings, where it does. */
function askedAs(
  { mailbox }: Recipient,
  { per_recipient: isPersonal }: { readonly per_recipient: boolean },
): string {
  return isPersonal ? formatMailbox(mailbox).toLowerCase() : ''
}

/** The options that a verdict is made by. */
interface Rules {
  readonly reject: Outcome
  readonly soft_reject: Outcome
  readonly greylist: Outcome
  readonly rewrite_subject: Outcome
  readonly add_header: Outcome
  readonly headers: boolean
  readonly weight: number
}

function outcomeFor({ action }: RspamdAnswer, rules: Rules): Outcome {
  switch (action) {
    case 'no action':
      return 'pass'
    case 'reject':
      return rules.reject
    case 'soft reject':
      return rules.soft_reject
    case 'greylist':
      return rules.greylist
    case 'rewrite subject':
      return rules.rewrite_subject
    case 'add header':
      return rules.add_header
    case 'quarantine':
    case 'discard':
      return action
  }
}

function judged(answer: RspamdAnswer, message: Message, rules: Rules): RecipientVerdict<'rspamd'> {
  const outcome = outcomeFor(answer, rules)
  const { action, score, required, symbols, text } = answer
  const headerEdits = [
    ...(rules.headers ? answer.headerEdits : []),
    ...(outcome === 'tag' ? tagged(answer, message) : []),
  ]
  const opinion = {
    reason: `RSPAMD_${action.toUpperCase().replace(' ', '_')}`,
    evidence: {
      score,
      required,
      symbols: symbols
        .map(({ name, score: own }) => `${name}(${own})`)
        .join(' ')
        .slice(0, 1000),
    },
    score: score * rules.weight,
    findings: [factOf(answer)],
    ...(headerEdits.length === 0 ? {} : { headerEdits }),
  }
  switch (outcome) {
    case 'reject':
      return reject('5.7.1', text ?? 'Spam message rejected', opinion)
    case 'defer':
      return defer('4.7.1', text ?? 'Try again later', opinion)
    case 'quarantine':
      return quarantine(opinion)
    case 'discard':
      return discard(opinion)
    case 'tag':
    case 'pass':
      return pass(opinion)
  }
}

function factOf({ action, score, required, symbols }: RspamdAnswer) {
  return finding(rspamdResult, {
    action,
    score,
    required,
    symbols: symbols.map(({ name }) => name),
  })
}

/** As rspamd's milter marks it: `X-Spam: Yes`, and the Subject that it asks for. */
function tagged({ action, subject }: RspamdAnswer, { header }: Message): readonly HeaderEdit[] {
  if (action === 'rewrite subject' && subject !== undefined) {
    const value = fieldText(subject)
    return header.first('Subject') === undefined
      ? [{ edit: 'prepend', name: 'Subject', value }]
      : [{ edit: 'replace', name: 'Subject', nth: 1, value }]
  }
  return [
    { edit: 'remove', name: 'X-Spam' },
    { edit: 'prepend', name: 'X-Spam', value: 'Yes' },
  ]
}
