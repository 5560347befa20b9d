/** What entries in shadow mode would have done: the ground to enforce them, or not to. */
import { useState } from 'preact/hooks'
import type { ShadowReport } from '../../../schemas/maintenance.ts'
import { useApp } from '../../app-context.ts'
import { counted, plainText } from '../../format/lines.ts'
import { formatCount, formatShare } from '../../format/numbers.ts'
import { pathOf } from '../../model/places.ts'
import { Empty } from '../../parts/empty.tsx'
import { Picker } from '../../parts/fields.tsx'
import { Waiting } from '../../parts/listing.tsx'
import { ProblemNotice } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { Status } from '../../parts/status.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useLoad } from '../../parts/use-load.ts'
import { When } from '../../parts/when.tsx'
import { ReviewEntry } from './review-entry.tsx'

type Shadowed = ShadowReport['entries'][number]
type Reason = Shadowed['reasons'][number]

const hourMs = 3_600_000
const spans = [
  [String(hourMs), 'hour'],
  [String(24 * hourMs), 'day'],
  [String(7 * 24 * hourMs), 'week'],
] as const

export function ShadowTab() {
  const { api } = useApp()
  const [sinceMs, setSinceMs] = useState(String(hourMs))
  const { value, error, loading, reload } = useLoad(`shadow ${sinceMs}`, (signal) =>
    api.ask<ShadowReport>('GET', '/shadow-report', { query: { sinceMs }, signal }),
  )
  return (
    <div class="stack">
      <div class="row row-wide">
        <Picker label="How far back" value={sinceMs} choices={spans} onValue={setSinceMs} />
        {value === undefined ? null : (
          <span class="muted">
            {counted(value.transactions, 'transaction')} since <When at={value.since} />
          </span>
        )}
      </div>
      <ProblemNotice error={error} />
      {value === undefined ? (
        <Waiting loading={loading} />
      ) : value.entries.length === 0 ? (
        <Panel flush>
          <Empty title="No entry is in shadow mode">
            An entry in shadow is asked and never obeyed: here it says what it would have done.
          </Empty>
        </Panel>
      ) : (
        value.entries.map((entry) => <Entry key={entry.entry} entry={entry} onDone={reload} />)
      )}
    </div>
  )
}

function Entry({
  entry: { entry, asked, objected, reasons },
  onDone,
}: {
  readonly entry: Shadowed
  readonly onDone: () => void
}) {
  const { may } = useApp()
  const [promoting, setPromoting] = useState(false)
  return (
    <Panel
      title={plainText(entry)}
      flush
      actions={
        may('chain:write') ? (
          <button type="button" class="button button-small" onClick={() => setPromoting(true)}>
            Enforce<span class="sr-only"> {plainText(entry)}</span> …
          </button>
        ) : null
      }
    >
      <p class="panel-body muted">
        {asked === 0
          ? 'It was not asked in this time.'
          : `Asked ${formatCount(asked)} times, would have objected ${formatCount(objected)} times (${formatShare(objected, asked)}).`}
      </p>
      {reasons.length === 0 ? null : (
        <Table
          label={`What ${entry} would have done`}
          columns={columns}
          rows={reasons}
          keyOf={({ would, reason }) => `${would} ${reason}`}
        />
      )}
      {promoting ? (
        <ReviewEntry
          name={entry}
          title={`Switch ${entry} to enforce`}
          change={{ mode: 'enforce' }}
          onDone={onDone}
          onClose={() => setPromoting(false)}
        />
      ) : null}
    </Panel>
  )
}

const columns: readonly Column<Reason>[] = [
  { title: 'Would', cell: ({ would }) => <Status of={would} would /> },
  {
    title: 'Reason',
    cell: ({ reason }) => (
      <code class="break">{reason === '' ? 'none given' : plainText(reason)}</code>
    ),
  },
  { title: 'Times', kind: 'number', cell: ({ count }) => formatCount(count) },
  {
    title: 'It was',
    cell: ({ accepted, refused, givenUp }) =>
      [
        ...(accepted === 0 ? [] : [`accepted ${formatCount(accepted)}`]),
        ...(refused === 0 ? [] : [`refused ${formatCount(refused)}`]),
        ...(givenUp === 0 ? [] : [`given up ${formatCount(givenUp)}`]),
      ].join(', '),
  },
  {
    title: 'Such as',
    cell: ({ examples }) => (
      <div class="row">
        {examples.map((id, index) => (
          <a key={id} href={pathOf('messages', [id])} title={id}>
            {index + 1}
            <span class="sr-only"> example: {id}</span>
          </a>
        ))}
      </div>
    ),
  },
]
