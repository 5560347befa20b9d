import type { ComponentChildren } from 'preact'
import { ProblemError } from '../browser/api-client.ts'
import { plainText } from '../format/lines.ts'
import type { IconName } from '../model/icons.ts'
import { Icon } from './icon.tsx'

type Kind = 'bad' | 'good' | 'wait' | 'plain'

const icons: Readonly<Record<Kind, IconName>> = {
  bad: 'warn',
  good: 'check',
  wait: 'clock',
  plain: 'info',
}

export function Notice({
  kind = 'plain',
  role,
  children,
}: {
  readonly kind?: Kind
  readonly role?: 'alert' | 'status'
  readonly children: ComponentChildren
}) {
  return (
    <div class={`notice notice-${kind}`} role={role}>
      <Icon name={icons[kind]} />
      <div>{children}</div>
    </div>
  )
}

/** What went wrong, in a panel whose contents reach its edges. */
export function PanelProblem({ error }: { readonly error: unknown }) {
  if (error === undefined) return null
  return (
    <div class="panel-body">
      <ProblemNotice error={error} />
    </div>
  )
}

/** What went wrong, beside what caused it: title, detail, and every single mistake with its remedy. */
export function ProblemNotice({ error }: { readonly error: unknown }) {
  if (error === undefined) return null
  if (!(error instanceof ProblemError)) {
    return (
      <Notice kind="bad" role="alert">
        <strong>This page met something it did not expect.</strong> Load it again; if it stays,
        please report it: {plainText(error instanceof Error ? error.message : typeof error)}
      </Notice>
    )
  }
  const { title, detail, errors = [], mistakes = [] } = error.problem
  return (
    <Notice kind="bad" role="alert">
      <strong>{plainText(title)}</strong>
      {detail === undefined ? null : <div class="break">{plainText(detail)}</div>}
      {errors.length + mistakes.length === 0 ? null : (
        <ul>
          {errors.map((each, index) => (
            <li key={index}>
              {each.pointer === '' ? null : <code>{plainText(each.pointer)} </code>}
              {plainText(each.detail)}
            </li>
          ))}
          {mistakes.map((each, index) => (
            <li key={`m${index}`}>
              <code>
                {plainText(each.file)}
                {each.line === undefined ? '' : `:${each.line}`}
              </code>{' '}
              {each.key === undefined ? '' : `${plainText(each.key)} `}
              {plainText(each.problem)}. {plainText(each.remedy)}
            </li>
          ))}
        </ul>
      )}
    </Notice>
  )
}
