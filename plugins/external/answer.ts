/** What an external plugin answers: held against one schema, then made a verdict as a plugin in TypeScript makes it. */
import {
  accept,
  defer,
  discard,
  parseMailbox,
  pass,
  perRecipient,
  quarantine,
  reject,
  type EnvelopeEdit,
  type HeaderEdit,
  type JsonValue,
  type Mailbox,
  type Opinion,
  type PermanentStatus,
  type RecipientVerdict,
  type TransientStatus,
  type Verdict,
} from 'postern/plugin'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'

const closed = { additionalProperties: false }
const text = (maxLength: number) => Type.String({ maxLength })
const name = Type.String({ minLength: 1, maxLength: 76 })
const nth = Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 }))

const headerEdit = Type.Union([
  Type.Object(
    {
      edit: Type.Union([Type.Literal('prepend'), Type.Literal('append')]),
      name,
      value: text(20_000),
    },
    closed,
  ),
  Type.Object({ edit: Type.Literal('remove'), name, nth }, closed),
  Type.Object({ edit: Type.Literal('replace'), name, nth, value: text(20_000) }, closed),
])

const address = text(400)
const envelopeEdit = Type.Union([
  Type.Object({ edit: Type.Literal('setReversePath'), reversePath: address }, closed),
  Type.Object({ edit: Type.Literal('addRecipient'), recipient: address }, closed),
  Type.Object({ edit: Type.Literal('replaceRecipient'), recipient: address, by: address }, closed),
  Type.Object({ edit: Type.Literal('removeRecipient'), recipient: address }, closed),
])

const opinion = {
  reason: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$' })),
  evidence: Type.Optional(Type.Record(text(100), Type.Unknown(), { maxProperties: 50 })),
  score: Type.Optional(Type.Number({ minimum: -1e6, maximum: 1e6 })),
  headerEdits: Type.Optional(Type.Array(headerEdit, { maxItems: 200 })),
  envelopeEdits: Type.Optional(Type.Array(envelopeEdit, { maxItems: 1000 })),
}
const refusal = {
  ...opinion,
  text: Type.Optional(text(1000)),
  close: Type.Optional(Type.Boolean()),
}

const oneVerdict = Type.Union([
  Type.Object({ ...opinion, verdict: Type.Literal('pass') }, closed),
  Type.Object({ ...opinion, verdict: Type.Literal('quarantine') }, closed),
  Type.Object({ ...opinion, verdict: Type.Literal('discard') }, closed),
  Type.Object(
    {
      ...refusal,
      verdict: Type.Literal('defer'),
      status: Type.Optional(Type.String({ pattern: '^4\\.[0-9]{1,3}\\.[0-9]{1,3}$' })),
    },
    closed,
  ),
  Type.Object(
    {
      ...refusal,
      verdict: Type.Literal('reject'),
      status: Type.Optional(Type.String({ pattern: '^5\\.[0-9]{1,3}\\.[0-9]{1,3}$' })),
    },
    closed,
  ),
])
const anyVerdict = Type.Union([
  oneVerdict,
  Type.Object({ ...opinion, verdict: Type.Literal('accept') }, closed),
  Type.Object(
    {
      ...opinion,
      verdict: Type.Literal('per-recipient'),
      verdicts: Type.Array(oneVerdict, { maxItems: 10_000 }),
    },
    closed,
  ),
])

const answer = Compile(anyVerdict)
type OneVerdict = Static<typeof oneVerdict>
type Said = Static<typeof anyVerdict>

/** @throws Error that says where it is no answer */
export function verdictOf(given: unknown): Verdict {
  if (!answer.Check(given)) throw new Error(`the answer is none: ${complaintOf(given)}`)
  const said: Said = given
  if (said.verdict === 'accept') return accept(opinionOf(said))
  if (said.verdict === 'per-recipient') {
    return perRecipient(said.verdicts.map(recipientVerdict), opinionOf(said))
  }
  return recipientVerdict(said)
}

function complaintOf(given: unknown): string {
  const known = ['pass', 'defer', 'reject', 'quarantine', 'discard', 'accept', 'per-recipient']
  const verdict =
    typeof given === 'object' && given !== null && 'verdict' in given ? given.verdict : undefined
  if (typeof verdict !== 'string' || !known.includes(verdict)) {
    return `its verdict is ${JSON.stringify(verdict)?.slice(0, 100) ?? 'missing'}`
  }
  return `a ${verdict} that does not fit the schema: ${(JSON.stringify(given) ?? '').slice(0, 200)}`
}

function recipientVerdict(said: OneVerdict): RecipientVerdict {
  switch (said.verdict) {
    case 'pass':
      return pass(opinionOf(said))
    case 'quarantine':
      return quarantine(opinionOf(said))
    case 'discard':
      return discard(opinionOf(said))
    case 'defer': {
      const status = isTransient(said.status) ? said.status : '4.7.1'
      return defer(status, words(said.text, 'Try again later'), refusalOf(said))
    }
    case 'reject': {
      const status = isPermanent(said.status) ? said.status : '5.7.1'
      return reject(status, words(said.text, 'Refused by local policy'), refusalOf(said))
    }
  }
}

function isPermanent(status: string | undefined): status is PermanentStatus {
  return status?.startsWith('5.') === true
}

function isTransient(status: string | undefined): status is TransientStatus {
  return status?.startsWith('4.') === true
}

/** One line of printable ASCII. */
function words(given: string | undefined, usual: string): string {
  const line = (given ?? '').replace(/[^\x20-\x7e]+/g, ' ').trim()
  return line === '' ? usual : line.slice(0, 400)
}

function refusalOf(said: OneVerdict & { readonly close?: boolean }): Opinion & { close?: boolean } {
  return { ...opinionOf(said), ...(said.close === undefined ? {} : { close: said.close }) }
}

function opinionOf(said: Said | OneVerdict): Opinion {
  const { reason, evidence, score, headerEdits, envelopeEdits } = said
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(evidence === undefined ? {} : { evidence: jsonObject(evidence) }),
    ...(score === undefined ? {} : { score }),
    ...(headerEdits === undefined ? {} : { headerEdits: headerEdits.map(headerEditOf) }),
    ...(envelopeEdits === undefined ? {} : { envelopeEdits: envelopeEdits.map(envelopeEditOf) }),
  }
}

/** It came as JSON, so that it is nothing else. */
function jsonObject(given: Readonly<Record<string, unknown>>): Readonly<Record<string, JsonValue>> {
  return given as Readonly<Record<string, JsonValue>>
}

function headerEditOf(given: Static<typeof headerEdit>): HeaderEdit {
  switch (given.edit) {
    case 'prepend':
    case 'append':
      return { edit: given.edit, name: given.name, value: given.value }
    case 'remove':
      return { edit: 'remove', name: given.name, ...counted(given.nth) }
    case 'replace':
      return { edit: 'replace', name: given.name, value: given.value, ...counted(given.nth) }
  }
}

function counted(given: number | undefined): { readonly nth?: number } {
  return given === undefined ? {} : { nth: given }
}

function envelopeEditOf(given: Static<typeof envelopeEdit>): EnvelopeEdit {
  switch (given.edit) {
    case 'setReversePath': {
      const path = given.reversePath
      return { edit: 'setReversePath', reversePath: path === '' ? null : mailboxOf(path) }
    }
    case 'addRecipient':
      return { edit: 'addRecipient', recipient: { mailbox: mailboxOf(given.recipient) } }
    case 'removeRecipient':
      return { edit: 'removeRecipient', mailbox: mailboxOf(given.recipient) }
    case 'replaceRecipient': {
      const by = { mailbox: mailboxOf(given.by) }
      return { edit: 'replaceRecipient', mailbox: mailboxOf(given.recipient), by }
    }
  }
}

function mailboxOf(given: string): Mailbox {
  const mailbox = parseMailbox(given, { smtputf8: true, barePostmaster: true })
  if (mailbox === undefined) throw new Error(`${JSON.stringify(given)} is no address`)
  return mailbox
}
