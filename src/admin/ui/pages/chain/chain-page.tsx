import { useState } from 'preact/hooks'
import type { Reloaded } from '../../../schemas/maintenance.ts'
import type { Chain, ChainEntry } from '../../../schemas/chain.ts'
import { useApp } from '../../app-context.ts'
import { counted, plainText } from '../../format/lines.ts'
import { formatCount } from '../../format/numbers.ts'
import { formatDuration } from '../../format/times.ts'
import { entryPath, type ChainTab } from '../../model/chain-places.ts'
import { pathOf } from '../../model/places.ts'
import { CheckNotice } from '../../parts/check-notice.tsx'
import { Empty } from '../../parts/empty.tsx'
import { History } from '../../parts/history.tsx'
import { Waiting } from '../../parts/listing.tsx'
import { ProblemNotice } from '../../parts/notice.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Status } from '../../parts/status.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { Tabs } from '../../parts/tabs.tsx'
import { useLoad } from '../../parts/use-load.ts'
import { When } from '../../parts/when.tsx'
import { ModeButton } from './mode-button.tsx'
import { ShadowTab } from './shadow-tab.tsx'

export function ChainPage({ tab }: { readonly tab: ChainTab }) {
  const { may } = useApp()
  const tabs = [
    { name: undefined, title: 'Entries' },
    { name: 'shadow', title: 'Shadow' },
    ...(may('configuration:read') ? [{ name: 'history', title: 'History' }] : []),
  ] as const
  return (
    <Page title="Chain" actions={may('system:reload') ? <ReloadButton /> : null}>
      <Tabs
        label="Parts of the chain"
        tabs={tabs.map(({ name, title }) => ({
          href: pathOf('chain', name === undefined ? [] : [name]),
          title,
          here: name === tab,
        }))}
      />
      <Tab name={tab} />
    </Page>
  )
}

function Tab({ name }: { readonly name: ChainTab }) {
  switch (name) {
    case 'shadow':
      return <ShadowTab />
    case 'history':
      return <History path="postern.yaml" />
    default:
      return <Entries />
  }
}

function ReloadButton() {
  const { api, say } = useApp()
  const [error, setError] = useState<unknown>()
  const reload = (): void => {
    setError(undefined)
    api.ask<Reloaded>('POST', '/reload').then(({ needsRestart }) => {
      const rest =
        needsRestart.length === 0 ? '' : `; a restart is needed for ${needsRestart.join(', ')}`
      say(`The configuration was read anew${rest}`)
    }, setError)
  }
  return (
    <>
      <button type="button" class="button" onClick={reload}>
        Reload
      </button>
      <ProblemNotice error={error} />
    </>
  )
}

function Entries() {
  const { api, may } = useApp()
  const { value, error, loading, reload } = useLoad('chain', (signal) =>
    api.ask<Chain>('GET', '/chain', { signal }),
  )
  const canChange = may('chain:write')
  const mode: Column<ChainEntry> = {
    title: 'Mode',
    cell: (entry) =>
      canChange ? <ModeButton entry={entry} onDone={reload} /> : <Status of={entry.mode} />,
  }
  return (
    <div class="stack">
      <ProblemNotice error={error} />
      {value === undefined ? (
        <Waiting loading={loading} />
      ) : (
        <>
          <CheckNotice check={value.check} />
          <Panel title="Entries, in the order in which they are asked" flush>
            {value.entries.length === 0 ? (
              <Empty title="The chain is empty">
                Add entries under <code>chain</code> in postern.yaml.
              </Empty>
            ) : (
              <Table
                label="Entries"
                columns={[entryColumn, mode, ...figures]}
                rows={value.entries}
                keyOf={({ name }) => name}
                rowClass={({ mode }) => (mode === 'off' ? 'entry-off' : undefined)}
              />
            )}
            <p class="panel-body muted">
              {value.since === undefined ? (
                <>Figures are of the last {counted(value.sample, 'transaction')}.</>
              ) : (
                <>
                  Figures are of {counted(value.sample, 'transaction')} since{' '}
                  <When at={value.since} />.
                </>
              )}
            </p>
          </Panel>
        </>
      )}
    </div>
  )
}

const entryColumn: Column<ChainEntry> = {
  title: 'Entry',
  cell: ({ name, plugin, summary }) => (
    <div>
      <a class="cell-link break" href={entryPath(name)}>
        {plainText(name)}
      </a>
      {plugin === name ? null : <span class="muted"> {plainText(plugin)}</span>}
      {summary === undefined ? null : <div class="line-2 clip">{plainText(summary)}</div>}
    </div>
  ),
}

const figures: readonly Column<ChainEntry>[] = [
  {
    title: 'Asked at',
    cell: ({ stages, first, conditional, refuseAt }) => (
      <div>
        {stages.join(', ')}
        <div class="line-2">
          {[
            ...(first ? ['first'] : []),
            ...(conditional ? ['on a condition'] : []),
            ...(refuseAt === undefined ? [] : [`refuses at ${refuseAt}`]),
          ].join(', ')}
        </div>
      </div>
    ),
  },
  {
    title: 'Limits',
    cell: ({ timeoutMs, onFault, mode }) =>
      mode === 'off' || timeoutMs === undefined ? (
        ''
      ) : (
        <div class="nowrap">
          {formatDuration(timeoutMs)}
          <div class="line-2">then {onFault ?? 'defer'}</div>
        </div>
      ),
  },
  {
    title: 'Asked',
    kind: 'number',
    cell: ({ numbers }) => (numbers === undefined ? '' : formatCount(numbers.asked)),
  },
  {
    title: 'Objected',
    kind: 'number',
    cell: ({ numbers, mode }) =>
      numbers === undefined
        ? ''
        : mode === 'shadow'
          ? `would ${formatCount(numbers.would)}`
          : formatCount(numbers.objected),
  },
  {
    title: 'Faults',
    kind: 'number',
    cell: ({ numbers }) => (numbers === undefined ? '' : formatCount(numbers.faults)),
  },
  {
    title: 'p50 / p99',
    kind: 'number',
    // One below the other: how wide the table is must not depend on how long entries took.
    cell: ({ numbers }) =>
      numbers?.p50Ms === undefined || numbers.p99Ms === undefined ? (
        ''
      ) : (
        <>
          {formatDuration(numbers.p50Ms)}
          <div class="line-2">{formatDuration(numbers.p99Ms)}</div>
        </>
      ),
  },
]
