import { assertHeaderEdit } from '../mail/header-edits.ts'
import type { EnvelopeEdit, HeaderEdit } from '../mail/edits.ts'

const headerEdits: ReadonlySet<unknown> = new Set<HeaderEdit['edit']>([
  'prepend',
  'append',
  'remove',
  'replace',
])

type Fits = (value: unknown) => boolean

/** What each envelope edit must carry. What it carries is written into the spool, and spoken in commands of ours. */
const envelopeEdits: ReadonlyMap<unknown, ReadonlyMap<string, Fits>> = new Map<
  EnvelopeEdit['edit'],
  ReadonlyMap<string, Fits>
>([
  ['setReversePath', new Map([['reversePath', isReversePath]])],
  ['addRecipient', new Map([['recipient', isRecipient]])],
  [
    'addCopy',
    new Map<string, Fits>([
      ['recipient', isRecipient],
      ['reversePath', isReversePath],
      ['headerEdits', Array.isArray],
    ]),
  ],
  [
    'replaceRecipient',
    new Map<string, Fits>([
      ['mailbox', isMailbox],
      ['by', isRecipient],
    ]),
  ],
  ['removeRecipient', new Map([['mailbox', isMailbox]])],
])

const mostHeaderEdits = 1000

/** What is wrong with the edits that ride on an opinion, before they are kept for the commit. */
export function editsProblem(header: unknown, envelope: unknown): string | undefined {
  const problem = header === undefined ? undefined : headerProblem(header)
  if (problem !== undefined || envelope === undefined) return problem
  if (!Array.isArray(envelope)) return 'envelopeEdits are no list'
  for (const edit of envelope) {
    if (!isEnvelopeEdit(edit)) return `an envelope edit is malformed: ${malformedEnvelope(edit)}`
    const ofCopy = edit.edit === 'addCopy' ? headerProblem(edit.headerEdits) : undefined
    if (ofCopy !== undefined) return ofCopy
  }
  return undefined
}

function headerProblem(edits: unknown): string | undefined {
  if (!Array.isArray(edits)) return 'headerEdits are no list'
  if (edits.length > mostHeaderEdits) {
    return `there are ${edits.length} headerEdits; ${mostHeaderEdits} fit`
  }
  for (const edit of edits) {
    const problem = headerEditProblem(edit)
    if (problem !== undefined) return problem
  }
  return undefined
}

function headerEditProblem(edit: unknown): string | undefined {
  if (!isHeaderEdit(edit)) return `a header edit is malformed: ${malformedEdit(edit)}`
  try {
    assertHeaderEdit(edit)
    return undefined
  } catch (error) {
    return String(error)
  }
}

function malformedEdit(edit: unknown): string {
  if (!isRecord(edit)) return `it is ${typeof edit}`
  const { edit: kind, name } = edit
  if (!headerEdits.has(kind)) return `its edit is ${said(kind)}, not ${oneOf(headerEdits)}`
  return typeof name === 'string'
    ? `${said(kind)} has no text as value`
    : `${said(kind)} has no name`
}

function said(value: unknown): string {
  return typeof value === 'string' ? `'${value.slice(0, 100)}'` : typeof value
}

function oneOf(words: Iterable<unknown>): string {
  return `one of ${[...words].join(', ')}`
}

function isHeaderEdit(edit: unknown): edit is HeaderEdit {
  if (typeof edit !== 'object' || edit === null || !('edit' in edit && 'name' in edit)) return false
  const valued = edit.edit === 'remove' || ('value' in edit && typeof edit.value === 'string')
  return headerEdits.has(edit.edit) && typeof edit.name === 'string' && valued
}

function isEnvelopeEdit(edit: unknown): edit is EnvelopeEdit {
  if (!isRecord(edit)) return false
  const carries = envelopeEdits.get(edit['edit'])
  return carries !== undefined && [...carries].every(([key, fits]) => fits(edit[key]))
}

function malformedEnvelope(edit: unknown): string {
  if (!isRecord(edit)) return `it is ${typeof edit}`
  const carries = envelopeEdits.get(edit['edit'])
  if (carries === undefined) {
    return `its edit is ${said(edit['edit'])}, not ${oneOf(envelopeEdits.keys())}`
  }
  const wrong = [...carries].find(([key, fits]) => !fits(edit[key]))
  return `${said(edit['edit'])} has a ${wrong?.[0]} that is none`
}

function isReversePath(value: unknown): boolean {
  return value === null || isMailbox(value)
}

/** One that a lenient listener has taken may be no mailbox of RFC 5321; but no command ends in the middle of it. */
export function isMailbox(value: unknown): boolean {
  if (!isRecord(value)) return false
  const { localPart, domain } = value
  return isLine(localPart) && localPart !== '' && isLine(domain) && !/[\s<>@]/.test(domain)
}

const notifications: ReadonlySet<unknown> = new Set(['never', 'success', 'failure', 'delay'])

function isRecipient(value: unknown): boolean {
  if (!isRecord(value) || !isMailbox(value['mailbox'])) return false
  const { notify, originalRecipient } = value
  const isNotify = Array.isArray(notify) && notify.every((each) => notifications.has(each))
  return (
    (notify === undefined || isNotify) &&
    (originalRecipient === undefined || isLine(originalRecipient))
  )
}

/** A command line is much shorter (RFC 5321 §4.5.3.1). */
const longestLine = 2000

function isLine(value: unknown): value is string {
  return typeof value === 'string' && value.length <= longestLine && !/\p{Cc}/u.test(value)
}

type Fields = { readonly [name: string]: unknown }

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
