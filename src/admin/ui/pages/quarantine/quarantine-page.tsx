import type { HeldItem, HeldPage as Found } from '../../../schemas/quarantine.ts'
import { useApp } from '../../app-context.ts'
import { nowMs } from '../../browser/clock.ts'
import { plainText } from '../../format/lines.ts'
import { formatBytes, formatScore } from '../../format/numbers.ts'
import { lookBack, lookBacks } from '../../model/look-back.ts'
import { pathOf } from '../../model/places.ts'
import { Empty } from '../../parts/empty.tsx'
import { SelectField, TextField } from '../../parts/fields.tsx'
import { Listing } from '../../parts/listing.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useKeyed } from '../../parts/use-keyed.ts'
import { usePages } from '../../parts/use-pages.ts'
import { When } from '../../parts/when.tsx'
import { HeldActions } from './held-actions.tsx'

const names = ['sender', 'recipient', 'subject', 'reason', 'entry', 'within'] as const
/** Nothing is selected. */
const none: ReadonlySet<string> = new Set<string>([])
type Name = (typeof names)[number]
type Filters = Readonly<Partial<Record<Name, string>>>

function filtersIn(query: URLSearchParams): Filters {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = query.get(name)?.trim() ?? ''
      return value === '' ? [] : [[name, value]]
    }),
  )
}

export function QuarantinePage({ query }: { readonly query: URLSearchParams }) {
  const { api, may } = useApp()
  const { within, ...filters } = filtersIn(query)
  const pages = usePages<HeldItem>(query.toString(), (cursor, signal) =>
    api.ask<Found>('GET', '/quarantine', {
      query: { ...filters, after: lookBack(within, nowMs()), cursor, limit: 50 },
      ...(signal === undefined ? {} : { signal }),
    }),
  )
  const [chosen, setChosen] = useKeyed<ReadonlySet<string>>(query.toString(), none)
  const choice: Column<HeldItem> = {
    title: 'Select',
    cell: ({ id, subject }) => (
      <input
        type="checkbox"
        aria-label={`Select ${plainText(subject) || id}`}
        checked={chosen.has(id)}
        onChange={(event) => {
          const next = new Set(chosen)
          if (event.currentTarget.checked) next.add(id)
          else next.delete(id)
          setChosen(next)
        }}
      />
    ),
  }
  const selected = (pages.items ?? []).filter(({ id }) => chosen.has(id))
  return (
    <Page
      title="Quarantine"
      actions={
        <button type="button" class="button" onClick={pages.reload}>
          Refresh
        </button>
      }
    >
      <div class="stack">
        <Panel title="Held messages" flush>
          <HeldSearch filters={filtersIn(query)} />
          {selected.length === 0 ? null : (
            <div class="panel-head">
              <span class="muted">{selected.length} selected:</span>
              <HeldActions
                small
                ids={selected.map(({ id }) => id)}
                mayRelease={selected.every(({ mayRelease }) => mayRelease)}
                onDone={() => {
                  setChosen(none)
                  pages.reload()
                }}
              />
            </div>
          )}
          <Listing
            pages={pages}
            empty={
              query.size > 0 ? (
                <Empty title="No held message matches">Take a filter away.</Empty>
              ) : (
                <Empty title="Nothing is held">
                  Mail is held where an entry says quarantine, or a score reaches the threshold in
                  postern.yaml.
                </Empty>
              )
            }
          >
            {(items) => (
              <Table
                label="Held messages"
                columns={may('quarantine:write') ? [choice, ...columns] : columns}
                rows={items}
                keyOf={({ id }) => id}
              />
            )}
          </Listing>
        </Panel>
      </div>
    </Page>
  )
}

const columns: readonly Column<HeldItem>[] = [
  {
    title: 'Message',
    cell: ({ id, subject, reversePath }) => (
      <div>
        <a class="cell-link break" href={pathOf('quarantine', [id])}>
          {plainText(subject) || 'No subject'}
        </a>
        <div class="line-2 break">{plainText(reversePath)}</div>
      </div>
    ),
  },
  {
    title: 'For',
    cell: ({ recipients }) => <div class="break address">{plainText(recipients.join(', '))}</div>,
  },
  {
    title: 'Held because',
    cell: ({ reason, entry, score }) => (
      <div class="break">
        {plainText(reason)}
        <div class="line-2">
          {entry === undefined ? '' : `by ${plainText(entry)}`}
          {score === undefined || score === 0 ? '' : `, score ${formatScore(score)}`}
        </div>
      </div>
    ),
  },
  { title: 'When', cell: ({ receivedAt }) => <When at={receivedAt} /> },
  { title: 'Size', kind: 'number', cell: ({ sizeBytes }) => formatBytes(sizeBytes) },
]

function HeldSearch({ filters }: { readonly filters: Filters }) {
  const { navigation } = useApp()
  const [typed, setTyped] = useKeyed(JSON.stringify(filters), filters)
  const bind = (name: Name) => ({
    value: typed[name] ?? '',
    onText: (text: string) => setTyped({ ...typed, [name]: text }),
  })
  return (
    <form
      class="filters"
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        navigation.go(pathOf('quarantine', [], typed))
      }}
    >
      <TextField label="Subject" type="search" search {...bind('subject')} />
      <TextField label="Sender" placeholder="@example.org" {...bind('sender')} />
      <TextField label="Recipient" placeholder="bob@example.net" {...bind('recipient')} />
      <TextField label="Held by entry" placeholder="attachments" {...bind('entry')} />
      <SelectField
        label="When"
        value={typed.within ?? ''}
        choices={lookBacks}
        onValue={(within) => navigation.go(pathOf('quarantine', [], { ...typed, within }))}
      />
      <div class="row">
        <button type="submit" class="button button-main">
          Search
        </button>
        {Object.keys(filters).length === 0 ? null : (
          <a class="button button-bare" href={pathOf('quarantine')}>
            Clear
          </a>
        )}
      </div>
    </form>
  )
}
