/** What the gateway depends on, by the breakers of the entries that ask it. */
import type { Chain, ChainEntry } from '../../../schemas/chain.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { formatCount, formatShare } from '../../format/numbers.ts'
import { formatDuration } from '../../format/times.ts'
import { healthOf } from '../../model/entry-health.ts'
import { entryPath } from '../../model/chain-places.ts'
import { Empty } from '../../parts/empty.tsx'
import { Icon } from '../../parts/icon.tsx'
import { PanelProblem } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useLoad } from '../../parts/use-load.ts'

export function Health() {
  const { api, may } = useApp()
  const allowed = may('chain:read')
  const { value, error } = useLoad(
    'health',
    allowed ? (signal) => api.ask<Chain>('GET', '/chain', { signal }) : undefined,
  )
  if (!allowed) return null
  const asked = value?.entries.filter(
    ({ mode, numbers }) => mode !== 'off' && numbers !== undefined,
  )
  return (
    <Panel title="Health of the entries" flush>
      <PanelProblem error={error} />
      {asked === undefined ? null : asked.length === 0 ? (
        <Empty title="No entry was asked yet">
          Entries that ask a daemon or the DNS show here whether it answers.
        </Empty>
      ) : (
        <Table label="Health of the entries" columns={columns} rows={asked} keyOf={nameOf} />
      )}
    </Panel>
  )
}

function nameOf({ name }: ChainEntry): string {
  return name
}

const columns: readonly Column<ChainEntry>[] = [
  {
    title: 'Entry',
    cell: ({ name }) => (
      <a class="cell-link break" href={entryPath(name)}>
        {plainText(name)}
      </a>
    ),
  },
  {
    title: 'State',
    cell: (entry) => {
      const { tone, icon, word } = healthOf(entry)
      return (
        <span class={`status tone-${tone}`}>
          <Icon name={icon} />
          {word}
        </span>
      )
    },
  },
  {
    title: 'Faults',
    kind: 'number',
    cell: ({ numbers }) =>
      numbers === undefined || numbers.faults === 0
        ? '0'
        : `${formatCount(numbers.faults)} (${formatShare(numbers.faults, numbers.asked)})`,
  },
  {
    title: 'p99',
    kind: 'number',
    cell: ({ numbers }) => (numbers?.p99Ms === undefined ? '' : formatDuration(numbers.p99Ms)),
  },
]
