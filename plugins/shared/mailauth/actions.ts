/** What the operator wants done about a result: the same five words for DKIM and DMARC. */
import {
  defer,
  pass,
  quarantine,
  reject,
  type Defer,
  type HeaderEdit,
  type Opinion,
  type Pass,
  type PermanentStatus,
  type Quarantine,
  type Reject,
  type TransientStatus,
} from 'postern/plugin'

export const actions = ['none', 'tag', 'quarantine', 'reject'] as const
export const passingActions = ['none', 'tag', 'defer', 'quarantine', 'reject'] as const
export type Action = (typeof passingActions)[number]

export interface Refusals {
  readonly reject: { readonly status: PermanentStatus; readonly text: string }
  readonly defer: { readonly status: TransientStatus; readonly text: string }
}

export interface Tag {
  readonly field: string
  readonly value: string
}

/** A field of that name which came with the message is a lie and goes, whatever is done. */
export function carryOut<Given extends string = never>(
  action: Action,
  { tag, refusals, opinion }: { tag: Tag; refusals: Refusals; opinion: Opinion<Given> },
): Pass<Given> | Defer<Given> | Quarantine<Given> | Reject<Given> {
  const remove: HeaderEdit = { edit: 'remove', name: tag.field }
  const edits = [...(opinion.headerEdits ?? []), remove]
  const plain = { ...opinion, headerEdits: edits }
  switch (action) {
    case 'none':
      return pass(plain)
    case 'tag': {
      const write: HeaderEdit = { edit: 'prepend', name: tag.field, value: tag.value }
      return pass({ ...opinion, headerEdits: [...edits, write] })
    }
    case 'quarantine':
      return quarantine(plain)
    case 'defer':
      return defer(refusals.defer.status, refusals.defer.text, opinion)
    case 'reject':
      return reject(refusals.reject.status, refusals.reject.text, opinion)
  }
}
