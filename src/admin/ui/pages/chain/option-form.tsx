/** The form of one entry's options, made from their schema. */
import { useState } from 'preact/hooks'
import type { ChainEntryChange, ChainEntryDetails } from '../../../schemas/chain.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import {
  filledOptions,
  formFields,
  formValues,
  type FormField,
  type FormValues,
} from '../../model/option-form.ts'
import { SelectField, TextArea, TextField } from '../../parts/fields.tsx'
import { Empty } from '../../parts/empty.tsx'

const faults = ['defer', 'pass', 'reject', 'quarantine'] as const

export function OptionForm({
  entry,
  onChange,
}: {
  readonly entry: ChainEntryDetails
  readonly onChange: (change: ChainEntryChange) => void
}) {
  const { may } = useApp()
  const fields = formFields(entry.schema)
  const [values, setValues] = useState<FormValues>(() => formValues(fields, entry.options))
  const [wrong, setWrong] = useState<FormValues>({})
  const [timeout, setNewTimeout] = useState('')
  const [onFault, setOnFault] = useState('')
  const review = (event: Event): void => {
    event.preventDefault()
    const filled = filledOptions(fields, values, entry.options)
    setWrong(filled.ok ? {} : filled.wrong)
    if (!filled.ok) return
    const fault = faults.find((each) => each === onFault)
    onChange({
      ...(fields.length === 0
        ? {}
        : { options: Object.keys(filled.options).length === 0 ? null : { ...filled.options } }),
      ...(timeout.trim() === '' ? {} : { timeout: timeout.trim() }),
      ...(fault === undefined ? {} : { on_fault: fault }),
    })
  }
  return (
    <form class="form" onSubmit={review}>
      {fields.length === 0 ? <Empty title="This plugin has no options" /> : null}
      <div class="form-columns">
        {fields.map((field) => (
          <OptionField
            key={field.name}
            field={field}
            value={values[field.name] ?? ''}
            wrong={wrong[field.name]}
            onText={(text) => setValues({ ...values, [field.name]: text })}
          />
        ))}
        <TextField
          label="timeout of the entry"
          hint={`How long it may take${entry.timeoutMs === undefined ? '' : `; now ${entry.timeoutMs / 1000}s`}`}
          placeholder="5s"
          value={timeout}
          onText={setNewTimeout}
        />
        <SelectField
          label="on_fault of the entry"
          hint={`What happens when it fails${entry.onFault === undefined ? '' : `; now ${entry.onFault}`}`}
          value={onFault}
          choices={[['', 'as it is'], ...faults.map((each) => [each, each] as const)]}
          onValue={setOnFault}
        />
      </div>
      {may('chain:write') ? (
        <div class="row">
          <button type="submit" class="button button-main">
            Show the diff …
          </button>
          <span class="muted">Nothing is written before you have seen it.</span>
        </div>
      ) : null}
    </form>
  )
}

function OptionHint({
  field: { kind, description = '', fallback },
}: {
  readonly field: FormField
}) {
  const sentences = [
    description === '' || description.endsWith('.') ? description : `${description}.`,
    kind === 'lines' ? 'One on each line.' : '',
    fallback === undefined ? 'Must be given.' : '',
  ]
  return (
    <>
      {plainText(sentences.filter((each) => each !== '').join(' '))}
      {fallback === undefined || fallback === '' || fallback === '[]' ? null : (
        <>
          {' '}
          Default: <code class="break">{plainText(fallback.replaceAll('\n', ', '))}</code>
        </>
      )}
    </>
  )
}

function OptionField({
  field,
  value,
  wrong,
  onText,
}: {
  readonly field: FormField
  readonly value: string
  readonly wrong: string | undefined
  readonly onText: (text: string) => void
}) {
  const { name, kind, choices, fallback } = field
  const common = {
    label: name,
    ...(wrong === undefined ? {} : { wrong }),
    hint: <OptionHint field={field} />,
  }
  switch (kind) {
    case 'boolean':
    case 'choice':
      return (
        <SelectField
          {...common}
          value={value}
          choices={[
            ...(fallback === undefined ? [] : [['', `default (${fallback})`] as const]),
            ...(kind === 'boolean' ? ['true', 'false'] : choices).map(
              (each) => [each, each] as const,
            ),
          ]}
          onValue={onText}
        />
      )
    case 'lines':
    case 'json':
      return <TextArea {...common} wide rows={3} value={value} onText={onText} />
    case 'number':
    case 'text':
      return (
        <TextField
          {...common}
          value={value}
          placeholder={fallback === undefined ? '' : fallback}
          onText={onText}
        />
      )
  }
}
