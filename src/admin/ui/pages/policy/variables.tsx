/** What a rule of tcp.smtp may set, and who reads it: looked up while a rule is written. */
import { useState } from 'preact/hooks'
import type { Variables as Known } from '../../../schemas/policy.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { Empty } from '../../parts/empty.tsx'
import { TextField } from '../../parts/fields.tsx'
import { Waiting } from '../../parts/listing.tsx'
import { PanelProblem } from '../../parts/notice.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useLoad } from '../../parts/use-load.ts'

type Variable = Known['variables'][number]

export function Variables() {
  const [open, setOpen] = useState(false)
  return (
    <details class="panel" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary class="panel-head">Variables that a rule may set</summary>
      {open ? <All /> : null}
    </details>
  )
}

function All() {
  const { api } = useApp()
  const { value, error, loading } = useLoad('variables', (signal) =>
    api.ask<Known>('GET', '/policy/variables', { signal }),
  )
  const [word, setWord] = useState('')
  const wanted = word.trim().toLowerCase()
  const rows = value?.variables.filter((variable) =>
    JSON.stringify(variable).toLowerCase().includes(wanted),
  )
  return (
    <>
      <div class="filters">
        <TextField label="Only those about" value={word} onText={setWord} wide />
      </div>
      <PanelProblem error={error} />
      {rows === undefined ? (
        <Waiting loading={loading} />
      ) : rows.length === 0 ? (
        <Empty title="No variable matches">Take the word away.</Empty>
      ) : (
        <Table label="Variables" columns={columns} rows={rows} keyOf={({ name }) => name} />
      )}
    </>
  )
}

const columns: readonly Column<Variable>[] = [
  { title: 'Variable', cell: ({ name }) => <code class="break">{plainText(name)}</code> },
  {
    title: 'What it does',
    cell: ({ readers, unread }) => (
      <div class="stack-tight">
        {unread === undefined ? null : (
          <span class="muted break">{plainText(`nobody reads it: ${unread}`)}</span>
        )}
        {readers.map(({ by, description }, index) => (
          <div key={index} class="break">
            {plainText(description)} <span class="muted">{plainText(by)}</span>
          </div>
        ))}
      </div>
    ),
  },
]
