/** What `postern doctor` says: asked for by a button, for it looks at everything. */
import { useState } from 'preact/hooks'
import type { Examinations } from '../../../schemas/maintenance.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { Waiting } from '../../parts/listing.tsx'
import { PanelProblem } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { Status } from '../../parts/status.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useLoad } from '../../parts/use-load.ts'

type Examination = Examinations['examinations'][number]

export function Doctor() {
  const { api } = useApp()
  const [asked, setAsked] = useState(false)
  const { value, error, loading, reload } = useLoad(
    `doctor ${String(asked)}`,
    asked ? (signal) => api.ask<Examinations>('GET', '/system/doctor', { signal }) : undefined,
  )
  return (
    <Panel
      title="Is all well with the installation?"
      flush
      actions={
        <button
          type="button"
          class="button button-small"
          disabled={asked && loading}
          onClick={asked ? reload : () => setAsked(true)}
        >
          {asked && loading ? 'Examining …' : asked ? 'Examine again' : 'Examine'}
        </button>
      }
    >
      <PanelProblem error={error} />
      {value !== undefined ? (
        <Table
          label="Examinations"
          columns={columns}
          rows={value.examinations.map((each, index) => ({ ...each, index }))}
          keyOf={({ index }) => String(index)}
        />
      ) : asked ? (
        <Waiting loading={loading} />
      ) : (
        <p class="panel-body muted">
          Looks at folders, ports, clock, DNS, and whether what the entries need answers. It takes
          some seconds and changes nothing.
        </p>
      )}
    </Panel>
  )
}

const columns: readonly Column<Examination>[] = [
  { title: 'About', cell: ({ about }) => <strong class="break">{plainText(about)}</strong> },
  { title: 'State', cell: ({ state }) => <Status of={state} /> },
  { title: 'Found', cell: ({ says }) => <span class="break">{plainText(says)}</span> },
  {
    title: 'What helps',
    cell: ({ remedy }) =>
      remedy === undefined ? '' : <span class="break">{plainText(remedy)}</span>,
  },
]
