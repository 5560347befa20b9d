/** Who is let through and who is not, whatever else the chain thinks. */
import { useState } from 'preact/hooks'
import type { ListRule, Lists as ListsView } from '../../../schemas/policy.ts'
import { useApp } from '../../app-context.ts'
import { counted, plainText } from '../../format/lines.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Empty } from '../../parts/empty.tsx'
import { SelectField, TextField } from '../../parts/fields.tsx'
import { Waiting } from '../../parts/listing.tsx'
import { PanelProblem, ProblemNotice } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { Status } from '../../parts/status.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useLoad } from '../../parts/use-load.ts'
import { ListTester } from './list-tester.tsx'

type Listed = ListsView['rules'][number]

export function Lists() {
  const { api, may } = useApp()
  const { value, error, loading, reload } = useLoad('lists', (signal) =>
    api.ask<ListsView>('GET', '/policy/lists', { signal }),
  )
  const [removed, setRemoved] = useState<Listed | undefined>()
  const actions: Column<Listed> = {
    title: '',
    cell: (rule) => (
      <div class="actions">
        <button type="button" class="button button-small" onClick={() => setRemoved(rule)}>
          Remove<span class="sr-only"> {plainText(rule.text)}</span>
        </button>
      </div>
    ),
  }
  return (
    <div class="stack">
      <ListTester />
      {may('policy:write') ? <NewRule onDone={reload} /> : null}
      <ProblemNotice error={error} />
      {value === undefined ? (
        <Waiting loading={loading} />
      ) : (
        <Panel title="Rules" flush>
          {value.rules.length === 0 ? (
            <Empty title="The lists are empty">
              Add a rule above. The entry <code>lists</code> of the chain must be on for them to
              hold.
            </Empty>
          ) : (
            <Table
              label="Rules"
              columns={may('policy:write') ? [...columns, actions] : columns}
              rows={value.rules}
              keyOf={({ line }) => String(line)}
            />
          )}
          {value.more === 0 ? null : (
            <p class="panel-body muted">and {counted(value.more, 'rule')} more</p>
          )}
        </Panel>
      )}
      {removed === undefined ? null : (
        <Removal rule={removed} onDone={reload} onClose={() => setRemoved(undefined)} />
      )}
    </div>
  )
}

const columns: readonly Column<Listed>[] = [
  { title: 'Rule', cell: ({ word }) => <Status of={word} /> },
  { title: 'By', cell: ({ by }) => byWords[by] },
  { title: 'Who', cell: ({ value }) => <strong class="break">{plainText(value)}</strong> },
  { title: 'For', cell: ({ target }) => (target === undefined ? 'everybody' : plainText(target)) },
  { title: 'Line', kind: 'number', cell: ({ line }) => String(line) },
]

const byWords: Readonly<Record<ListRule['by'], string>> = {
  client: 'client address',
  name: 'client name',
  sender: 'sender',
  from: 'From field',
}

const words = ['allow', 'block'] as const
const ways = ['client', 'name', 'sender', 'from'] as const

function NewRule({ onDone }: { readonly onDone: () => void }) {
  const { api, say } = useApp()
  const [word, setWord] = useState<ListRule['word']>('allow')
  const [by, setBy] = useState<ListRule['by']>('sender')
  const [value, setValue] = useState('')
  const [target, setTarget] = useState('')
  const [note, setNote] = useState('')
  const [error, setError] = useState<unknown>()
  const add = async (event: Event): Promise<void> => {
    event.preventDefault()
    setError(undefined)
    const rule = {
      word,
      by,
      value: value.trim(),
      ...(target.trim() === '' ? {} : { target: target.trim() }),
    }
    try {
      const body = note.trim() === '' ? { rule } : { rule, note: note.trim() }
      const { done } = await api.ask<{ readonly done: boolean }>('POST', '/policy/lists/add', {
        body,
      })
      say(done ? 'The rule was added' : 'That rule was there already')
      setValue('')
      setTarget('')
      setNote('')
      onDone()
    } catch (problem) {
      setError(problem)
    }
  }
  return (
    <Panel title="Add a rule" flush>
      <form class="filters" onSubmit={(event) => void add(event)}>
        <SelectField
          label="What"
          value={word}
          choices={words.map((each) => [each, each] as const)}
          onValue={(chosen) => setWord(words.find((each) => each === chosen) ?? 'allow')}
        />
        <SelectField
          label="By"
          value={by}
          choices={ways.map((each) => [each, byWords[each]] as const)}
          onValue={(chosen) => setBy(ways.find((each) => each === chosen) ?? 'sender')}
        />
        <TextField
          label="Who"
          placeholder="ann@example.org, 192.0.2.0/24"
          value={value}
          onText={setValue}
          required
          wide
        />
        <TextField label="For" placeholder="everybody" value={target} onText={setTarget} />
        <TextField label="Why" placeholder="optional" value={note} onText={setNote} />
        <div class="row">
          <button type="submit" class="button button-main">
            Add
          </button>
        </div>
      </form>
      <PanelProblem error={error} />
    </Panel>
  )
}

function Removal({
  rule: { word, by, value, target, text },
  onDone,
  onClose,
}: {
  readonly rule: Listed
  readonly onDone: () => void
  readonly onClose: () => void
}) {
  const { api, say } = useApp()
  const remove = async (): Promise<void> => {
    const rule = { word, by, value, ...(target === undefined ? {} : { target }) }
    await api.ask('POST', '/policy/lists/remove', { body: { rule } })
    say('The rule is gone')
    onDone()
  }
  return (
    <Confirm title="Remove the rule?" action="Remove" danger onConfirm={remove} onClose={onClose}>
      <code class="break">{plainText(text)}</code>
    </Confirm>
  )
}
