import type { Destination, QueueSummary } from '../../../schemas/queue.ts'
import { plainText } from '../../format/lines.ts'
import { formatCount } from '../../format/numbers.ts'
import { pathOf } from '../../model/places.ts'
import { Panel } from '../../parts/page.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { Age } from '../../parts/when.tsx'
import { QueueActions } from './queue-actions.tsx'

export function Destinations({
  summary: { destinations, moreDestinations },
  onDone,
}: {
  readonly summary: QueueSummary
  readonly onDone: () => void
}) {
  const actions: Column<Destination> = {
    title: '',
    cell: ({ domain }) => (
      <div class="actions">
        <QueueActions
          small
          only={['retry', 'hold']}
          selection={{ domain }}
          of={`to ${domain}`}
          onDone={onDone}
        />
      </div>
    ),
  }
  return (
    <Panel title="By destination" flush>
      <Table
        label="Destinations"
        columns={[...columns, actions]}
        rows={destinations}
        keyOf={({ domain }) => domain}
      />
      {moreDestinations === 0 ? null : (
        <p class="panel-body muted">and {moreDestinations} destinations more</p>
      )}
    </Panel>
  )
}

const columns: readonly Column<Destination>[] = [
  {
    title: 'Destination',
    cell: ({ domain }) => (
      <a class="cell-link break" href={pathOf('queue', [], { domain })}>
        {plainText(domain)}
      </a>
    ),
  },
  { title: 'Recipients', kind: 'number', cell: ({ recipients }) => formatCount(recipients) },
  { title: 'Deferred', kind: 'number', cell: ({ deferred }) => formatCount(deferred) },
  { title: 'On hold', kind: 'number', cell: ({ held }) => formatCount(held) },
  { title: 'Oldest', kind: 'number', cell: ({ oldestAt }) => <Age at={oldestAt} /> },
  {
    title: 'Last reply',
    cell: ({ lastReply }) =>
      lastReply === undefined ? '' : <span class="clip">{plainText(lastReply)}</span>,
  },
]
