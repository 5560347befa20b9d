/** Copies for the journal: control/taps, and QUEUE_EXTRA for every message. */
import {
  definePlugin,
  formatMailbox,
  formatPath,
  option,
  pass,
  type EnvelopeEdit,
  type HeaderEdit,
  type Mailbox,
  type Option,
  type Transaction,
} from 'postern/plugin'
import { markField, openMarks, type CopyMarks } from './copy-mark.ts'
import { copyAddress, followTaps, type TapRule } from './tap-rules.ts'

/** Recipients that the copy names. */
const namedRecipients = 100

export const taps = definePlugin({
  name: 'taps',
  summary: 'Sends copies to where control/taps and QUEUE_EXTRA say.',
  options: {
    file: option.file({ default: 'control/taps' }),
    extra: copyAddresses(
      option.strings({
        default: [],
        env: 'QUEUE_EXTRA',
        description: 'A copy of every message: log, log@example.org, or Tlog\\0 as qmail has it.',
      }),
    ),
    envelope: option.boolean({
      default: true,
      description: 'Write the envelope into X-Envelope-From and X-Envelope-To of the copy.',
    }),
  },
  setup({ file }, { log, random, store }) {
    const rules = followTaps(file, log)
    let marks: CopyMarks | undefined
    return {
      async open() {
        marks = await openMarks(store.table('copies', { maxEntries: 1 }), random)
      },
      message({ transaction, message }, { options: { extra, envelope } }) {
        const tap = tapOf(rules.current, transaction)
        const wanted = [...extra, ...(tap === undefined ? [] : [tap.to])]
        if (wanted.length === 0) return pass()
        if (marks === undefined) throw new Error('taps was never opened')
        const signed = marks
        const seen = message.header.all(markField)
        const copies = wanted
          .map((to) => at(to, transaction.session.hostname))
          .filter((to) => !signed.isCopyFor(formatMailbox(to), seen))
        if (copies.length === 0) return pass({ reason: 'TAP_OF_A_COPY' })
        return pass({
          reason: 'TAPPED',
          evidence: {
            copies: copies.map(formatMailbox),
            ...(tap === undefined ? {} : { line: tap.line }),
          },
          envelopeEdits: copies.map((to): EnvelopeEdit => {
            const headerEdits: HeaderEdit[] = [
              { edit: 'append', name: markField, value: signed.make(formatMailbox(to)) },
              ...(envelope ? envelopeFields(transaction) : []),
            ]
            const recipient = { mailbox: to, notify: ['never'] as const }
            return { edit: 'addCopy', recipient, reversePath: null, headerEdits }
          }),
        })
      },
    }
  },
})

/** The first line that fits the reverse-path or any recipient. */
function tapOf(
  rules: readonly TapRule[],
  { reversePath, recipients }: Transaction,
): TapRule | undefined {
  if (rules.length === 0) return undefined
  const sender = reversePath === null ? '' : formatMailbox(reversePath)
  const addresses = [sender, ...recipients.map(({ mailbox }) => formatMailbox(mailbox))]
  return rules.find((rule) => addresses.some((address) => rule.fits(address)))
}

/** What is no address is a mistake before a message comes, in a rule of tcp.smtp as well. */
function copyAddresses(inner: Option<readonly string[]>): Option<readonly Mailbox[]> {
  return {
    ...inner,
    parse(value, resources) {
      const texts = inner.parse(value, resources)
      if (!texts.ok) return texts
      const found: Mailbox[] = []
      for (const text of texts.value) {
        const addresses = extraAddresses(text)
        if (addresses === undefined) {
          const problem = `${JSON.stringify(text)} is no address`
          return { ok: false, problem, remedy: 'write log, log@example.org or Tlog\\0' }
        }
        found.push(...addresses)
      }
      return { ok: true, value: found }
    },
  }
}

/** `log`, or as it stands in qmail's extra.h: `Tlog\0`, or `Tlog\0Tarchive\0`; undefined for what is no address. */
function extraAddresses(text: string): readonly Mailbox[] | undefined {
  const isC = /^T.*(?:\\0|\0)$/.test(text)
  const names = isC ? text.split(/\\0|\0/).slice(0, -1) : [text]
  const found = names.flatMap((name) => {
    const mailbox = copyAddress(isC && name.startsWith('T') ? name.slice(1) : name)
    return mailbox === undefined ? [] : [mailbox]
  })
  return found.length < names.length ? undefined : found
}

function at({ localPart, domain }: Mailbox, hostname: string): Mailbox {
  return { localPart, domain: domain === '' ? hostname : domain }
}

/** The copy's own envelope says nothing of them: it has the null reverse-path, so that it bounces to nobody. */
function envelopeFields({ reversePath, recipients }: Transaction): readonly HeaderEdit[] {
  const to = recipients.slice(0, namedRecipients).map(({ mailbox }) => formatMailbox(mailbox))
  return [
    { edit: 'remove', name: 'X-Envelope-From' },
    { edit: 'remove', name: 'X-Envelope-To' },
    { edit: 'append', name: 'X-Envelope-From', value: formatPath(reversePath) },
    { edit: 'append', name: 'X-Envelope-To', value: to.join(', ') },
  ]
}
