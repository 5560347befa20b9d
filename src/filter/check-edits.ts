import { assertHeaderEdit } from '../mail/header-edits.ts'
import type { EnvelopeEdit, HeaderEdit } from '../mail/edits.ts'

const headerEdits: ReadonlySet<unknown> = new Set<HeaderEdit['edit']>([
  'prepend',
  'append',
  'remove',
  'replace',
])

/** What each envelope edit must carry; `null` is a reverse-path. */
const envelopeEdits: ReadonlyMap<unknown, readonly string[]> = new Map<
  EnvelopeEdit['edit'],
  readonly string[]
>([
  ['setReversePath', ['reversePath']],
  ['addRecipient', ['recipient']],
  ['addCopy', ['recipient', 'reversePath', 'headerEdits']],
  ['replaceRecipient', ['mailbox', 'by']],
  ['removeRecipient', ['mailbox']],
])

/** What is wrong with the edits that ride on an opinion, before they are kept for the commit. */
export function editsProblem(header: unknown, envelope: unknown): string | undefined {
  const problem = header === undefined ? undefined : headerProblem(header)
  if (problem !== undefined || envelope === undefined) return problem
  if (!Array.isArray(envelope)) return 'envelopeEdits are no list'
  for (const edit of envelope) {
    if (!isEnvelopeEdit(edit)) return 'an envelope edit is malformed'
    const ofCopy = edit.edit === 'addCopy' ? headerProblem(edit.headerEdits) : undefined
    if (ofCopy !== undefined) return ofCopy
  }
  return undefined
}

function headerProblem(edits: unknown): string | undefined {
  if (!Array.isArray(edits)) return 'headerEdits are no list'
  for (const edit of edits) {
    const problem = headerEditProblem(edit)
    if (problem !== undefined) return problem
  }
  return undefined
}

function headerEditProblem(edit: unknown): string | undefined {
  if (!isHeaderEdit(edit)) return 'a header edit is malformed'
  try {
    assertHeaderEdit(edit)
    return undefined
  } catch (error) {
    return String(error)
  }
}

function isHeaderEdit(edit: unknown): edit is HeaderEdit {
  if (typeof edit !== 'object' || edit === null || !('edit' in edit && 'name' in edit)) return false
  const valued = edit.edit === 'remove' || ('value' in edit && typeof edit.value === 'string')
  return headerEdits.has(edit.edit) && typeof edit.name === 'string' && valued
}

function isEnvelopeEdit(edit: unknown): edit is EnvelopeEdit {
  if (typeof edit !== 'object' || edit === null || !('edit' in edit)) return false
  const keys = envelopeEdits.get(edit.edit)
  const given = new Map<string, unknown>(Object.entries(edit))
  return keys !== undefined && keys.every((key) => typeof given.get(key) === 'object')
}
