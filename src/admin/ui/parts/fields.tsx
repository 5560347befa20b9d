/** Fields with a label that is bound to them, a hint, and what is wrong with them. */
import type { ComponentChildren, TargetedInputEvent } from 'preact'
import { useId } from 'preact/hooks'

interface Common {
  readonly label: string
  readonly hint?: ComponentChildren
  readonly wrong?: string
}

/** @param children gets the attributes that bind the field to its words */
export function Field({
  label,
  hint,
  wrong,
  wide = false,
  children,
}: Common & {
  readonly wide?: boolean
  readonly children: (bound: {
    readonly id: string
    readonly 'aria-describedby'?: string
    readonly 'aria-invalid'?: true
  }) => ComponentChildren
}) {
  const id = useId()
  const described = [
    hint === undefined ? '' : `${id}-hint`,
    wrong === undefined ? '' : `${id}-wrong`,
  ]
    .filter((each) => each !== '')
    .join(' ')
  return (
    <div class={wide ? 'field wide' : 'field'}>
      <label for={id}>{label}</label>
      {children({
        id,
        ...(described === '' ? {} : { 'aria-describedby': described }),
        ...(wrong === undefined ? {} : { 'aria-invalid': true }),
      })}
      {hint === undefined ? null : (
        <span class="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {wrong === undefined ? null : (
        <span class="wrong" id={`${id}-wrong`}>
          {wrong}
        </span>
      )}
    </div>
  )
}

export function TextField({
  value,
  onText,
  type = 'text',
  placeholder,
  required = false,
  autocomplete = 'off',
  search = false,
  wide = false,
  minLength,
  ...words
}: Common & {
  readonly value: string
  readonly onText: (text: string) => void
  readonly type?: 'text' | 'password' | 'search' | 'number'
  readonly placeholder?: string
  readonly required?: boolean
  readonly autocomplete?: string
  /** The key / leads here. */
  readonly search?: boolean
  readonly wide?: boolean
  readonly minLength?: number
}) {
  return (
    <Field {...words} wide={wide}>
      {(bound) => {
        const attributes = {
          ...bound,
          class: 'input',
          value,
          placeholder,
          required,
          minLength,
          autocomplete,
          autocapitalize: 'off',
          spellcheck: false,
          'data-search': search ? '' : undefined,
          onInput: (event: TargetedInputEvent<HTMLInputElement>) =>
            onText(event.currentTarget.value),
        } as const
        switch (type) {
          case 'password':
            return <input {...attributes} type="password" />
          case 'number':
            return <input {...attributes} type="number" />
          case 'search':
            return <input {...attributes} type="search" />
          case 'text':
            return <input {...attributes} type="text" />
        }
      }}
    </Field>
  )
}

export function TextArea({
  value,
  onText,
  rows = 6,
  placeholder,
  wide = false,
  ...words
}: Common & {
  readonly wide?: boolean
  readonly value: string
  readonly onText: (text: string) => void
  readonly rows?: number
  readonly placeholder?: string
}) {
  return (
    <Field {...words} wide={wide}>
      {(bound) => (
        <textarea
          {...bound}
          class="input"
          rows={rows}
          value={value}
          placeholder={placeholder}
          spellcheck={false}
          onInput={(event) => onText(event.currentTarget.value)}
        />
      )}
    </Field>
  )
}

export function SelectField({
  value,
  onValue,
  choices,
  ...words
}: Common & {
  readonly value: string
  readonly onValue: (value: string) => void
  readonly choices: readonly (readonly [value: string, words: string])[]
}) {
  return (
    <Field {...words}>
      {(bound) => (
        <select
          {...bound}
          class="input"
          value={value}
          onChange={(event) => onValue(event.currentTarget.value)}
        >
          {choices.map(([each, words]) => (
            <option key={each} value={each} selected={each === value}>
              {words}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

export function CheckField({
  label,
  checked,
  onCheck,
  hint,
}: {
  readonly label: string
  readonly checked: boolean
  readonly onCheck: (checked: boolean) => void
  readonly hint?: string
}) {
  const id = useId()
  return (
    <div class="field">
      <label class="check" for={id}>
        <input
          id={id}
          type="checkbox"
          checked={checked}
          aria-describedby={hint === undefined ? undefined : `${id}-hint`}
          onChange={(event) => onCheck(event.currentTarget.checked)}
        />
        {label}
      </label>
      {hint === undefined ? null : (
        <span class="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
    </div>
  )
}

/** One of few, all visible. */
export function Picker({
  label,
  value,
  choices,
  onValue,
}: {
  readonly label: string
  readonly value: string
  readonly choices: readonly (readonly [value: string, words: string])[]
  readonly onValue: (value: string) => void
}) {
  const name = useId()
  return (
    <fieldset class="picker">
      <legend class="sr-only">{label}</legend>
      {choices.map(([each, words]) => (
        <label key={each}>
          <input type="radio" name={name} checked={each === value} onChange={() => onValue(each)} />
          <span>{words}</span>
        </label>
      ))}
    </fieldset>
  )
}
