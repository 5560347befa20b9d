/** What is promised and not yet done: by destination, and message by message. */
import type { QueueItem, QueuePage as Found, QueueSummary } from '../../../schemas/queue.ts'
import { useApp } from '../../app-context.ts'
import { counted, plainText } from '../../format/lines.ts'
import { formatBytes, formatCount } from '../../format/numbers.ts'
import { pathOf } from '../../model/places.ts'
import {
  readQueueFilters,
  selectionOf,
  selectionWords,
  type QueueFilters,
} from '../../model/queue-filters.ts'
import { Empty } from '../../parts/empty.tsx'
import { SelectField, TextField } from '../../parts/fields.tsx'
import { Listing } from '../../parts/listing.tsx'
import { Notice, ProblemNotice } from '../../parts/notice.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Status } from '../../parts/status.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useLoad } from '../../parts/use-load.ts'
import { useKeyed } from '../../parts/use-keyed.ts'
import { usePages } from '../../parts/use-pages.ts'
import { Age } from '../../parts/when.tsx'
import { Destinations } from './destinations.tsx'
import { PausePanel } from './pause-panel.tsx'
import { QueueActions } from './queue-actions.tsx'
import { QueueTabs, type QueueTab } from './queue-tabs.tsx'
import { SpoolTab } from './spool-tab.tsx'
import { TlsTab } from './tls-tab.tsx'

/** Nothing is selected. */
const none: ReadonlySet<string> = new Set<string>([])

export function QueuePage({
  tab,
  query,
}: {
  readonly tab: QueueTab
  readonly query: URLSearchParams
}) {
  if (tab === undefined) return <Queued query={query} />
  return (
    <Page title="Queue">
      <QueueTabs here={tab} />
      {tab === 'tls' ? <TlsTab query={query} /> : <SpoolTab />}
    </Page>
  )
}

function Queued({ query }: { readonly query: URLSearchParams }) {
  const { api } = useApp()
  const filters = readQueueFilters(query)
  const summary = useLoad('queue summary', (signal) =>
    api.ask<QueueSummary>('GET', '/queue/summary', { signal }),
  )
  const pages = usePages<QueueItem>(query.toString(), (cursor, signal) =>
    api.ask<Found>('GET', '/queue', {
      query: { ...filters, cursor, limit: 50 },
      ...(signal === undefined ? {} : { signal }),
    }),
  )
  const again = (): void => {
    summary.reload()
    pages.reload()
  }
  return (
    <Page
      title="Queue"
      actions={
        <button type="button" class="button" onClick={again}>
          Refresh
        </button>
      }
    >
      <QueueTabs here={undefined} />
      <div class="stack">
        <ProblemNotice error={summary.error} />
        {summary.value === undefined ? null : <Figures summary={summary.value} />}
        {summary.value === undefined || summary.value.destinations.length === 0 ? null : (
          <Destinations summary={summary.value} onDone={again} />
        )}
        <PausePanel />
        <Panel title="Messages" flush>
          <QueueSearch filters={filters} />
          <Messages filters={filters} pages={pages} onDone={again} />
        </Panel>
      </div>
    </Page>
  )
}

function Figures({ summary }: { readonly summary: QueueSummary }) {
  const { messages, held, recipients, bytes, oldestAt, damaged } = summary
  return (
    <>
      <dl class="figures">
        <Figure name="Messages" value={formatCount(messages)} />
        <Figure name="Open recipients" value={formatCount(recipients)} />
        <Figure name="On hold" value={formatCount(held)} />
        <Figure name="Size" value={formatBytes(bytes)} />
        <div class="figure">
          <dt>Oldest</dt>
          <dd>{oldestAt === undefined ? '–' : <Age at={oldestAt} />}</dd>
        </div>
      </dl>
      {damaged === 0 ? null : (
        <Notice kind="bad">
          {counted(damaged, 'record')} of the spool {damaged === 1 ? 'is' : 'are'} damaged and set
          aside; nothing was deleted. <a href={pathOf('queue', ['spool'])}>See what it was</a>
        </Notice>
      )}
    </>
  )
}

function Figure({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

function Messages({
  filters,
  pages,
  onDone,
}: {
  readonly filters: QueueFilters
  readonly pages: ReturnType<typeof usePages<QueueItem>>
  readonly onDone: () => void
}) {
  const { may } = useApp()
  const [chosen, setChosen] = useKeyed<ReadonlySet<string>>(JSON.stringify(filters), none)
  const filtered = Object.keys(filters).length > 0
  const done = (): void => {
    setChosen(none)
    onDone()
  }
  const toggle = (id: string, on: boolean): void => {
    const next = new Set(chosen)
    if (on) next.add(id)
    else next.delete(id)
    setChosen(next)
  }
  const choice: Column<QueueItem> = {
    title: 'Select',
    cell: ({ id }) => (
      <input
        type="checkbox"
        aria-label={`Select ${id}`}
        checked={chosen.has(id)}
        onChange={(event) => toggle(id, event.currentTarget.checked)}
      />
    ),
  }
  return (
    <>
      {may('queue:write') && pages.items !== undefined && pages.items.length > 0 ? (
        <div class="panel-head">
          <span class="muted">
            {chosen.size > 0 ? `${chosen.size} selected:` : `All ${selectionWords(filters)}:`}
          </span>
          <QueueActions
            small
            selection={chosen.size > 0 ? { ids: [...chosen] } : selectionOf(filters)}
            of={chosen.size > 0 ? 'selected' : selectionWords(filters)}
            onDone={done}
          />
        </div>
      ) : null}
      <Listing
        pages={pages}
        empty={
          filtered ? (
            <Empty title="Nothing in the queue matches">Take a filter away.</Empty>
          ) : (
            <Empty title="The queue is empty">
              Everything that was promised has been delivered or returned.
            </Empty>
          )
        }
      >
        {(items) => (
          <Table
            label="Queued messages"
            columns={may('queue:write') ? [choice, ...columns] : columns}
            rows={items}
            keyOf={({ id }) => id}
          />
        )}
      </Listing>
    </>
  )
}

const columns: readonly Column<QueueItem>[] = [
  {
    title: 'Message',
    cell: ({ id, reversePath, recipients, moreRecipients }) => (
      <div>
        <a class="cell-link break" href={pathOf('queue', [id])}>
          {plainText(reversePath)}
        </a>
        <div class="line-2 clip">
          {plainText(recipients.map(({ address }) => address).join(', '))}
          {moreRecipients > 0 ? ` and ${moreRecipients} more` : ''}
        </div>
      </div>
    ),
  },
  {
    title: 'State',
    cell: ({ held, reason, recipients }) => (
      <div>
        <Status of={held ? 'held' : (recipients[0]?.state ?? 'pending')} />
        {reason === undefined ? null : <div class="line-2 clip">{plainText(reason)}</div>}
      </div>
    ),
  },
  {
    title: 'Last reply',
    cell: ({ recipients }) => {
      const reply = recipients.find(({ lastReply }) => lastReply !== undefined)?.lastReply
      return reply === undefined ? '' : <span class="clip">{plainText(reply)}</span>
    },
  },
  { title: 'Tries', kind: 'number', cell: ({ tries }) => formatCount(tries) },
  { title: 'Age', kind: 'number', cell: ({ receivedAt }) => <Age at={receivedAt} /> },
  { title: 'Size', kind: 'number', cell: ({ sizeBytes }) => formatBytes(sizeBytes) },
]

function QueueSearch({ filters }: { readonly filters: QueueFilters }) {
  const { navigation } = useApp()
  const [typed, setTyped] = useKeyed(JSON.stringify(filters), filters)
  const search = (event: Event): void => {
    event.preventDefault()
    navigation.go(pathOf('queue', [], { ...typed }))
  }
  const bind = (name: 'domain' | 'reversePath' | 'recipient') => ({
    value: typed[name] ?? '',
    onText: (text: string) => setTyped({ ...typed, [name]: text }),
  })
  return (
    <form class="filters" role="search" onSubmit={search}>
      <TextField label="Destination" placeholder="example.org" search {...bind('domain')} />
      <TextField label="Sender" placeholder="ann@example.org, <>" {...bind('reversePath')} />
      <TextField label="Recipient" placeholder="bob@example.net" {...bind('recipient')} />
      <SelectField
        label="Hold"
        value={typed.held ?? ''}
        choices={[
          ['', 'both'],
          ['true', 'on hold'],
          ['false', 'not on hold'],
        ]}
        onValue={(held) => navigation.go(pathOf('queue', [], { ...typed, held }))}
      />
      <div class="row">
        <button type="submit" class="button button-main">
          Search
        </button>
        {Object.keys(filters).length === 0 ? null : (
          <a class="button button-bare" href={pathOf('queue')}>
            Clear
          </a>
        )}
      </div>
    </form>
  )
}
