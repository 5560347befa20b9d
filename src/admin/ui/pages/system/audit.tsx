/** Who changed what. */
import { useState } from 'preact/hooks'
import type { AuditItem, AuditPage } from '../../../schemas/access.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { Empty } from '../../parts/empty.tsx'
import { TextField } from '../../parts/fields.tsx'
import { Listing } from '../../parts/listing.tsx'
import { Panel } from '../../parts/page.tsx'
import { Status } from '../../parts/status.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { usePages } from '../../parts/use-pages.ts'
import { When } from '../../parts/when.tsx'

export function Audit() {
  const { api } = useApp()
  const [typed, setTyped] = useState({ who: '', what: '' })
  const [asked, setAsked] = useState(typed)
  const pages = usePages<AuditItem>(`audit ${JSON.stringify(asked)}`, (cursor, signal) =>
    api.ask<AuditPage>('GET', '/audit', {
      query: { ...asked, cursor },
      ...(signal === undefined ? {} : { signal }),
    }),
  )
  const search = (event: Event): void => {
    event.preventDefault()
    setAsked({ who: typed.who.trim(), what: typed.what.trim() })
  }
  return (
    <Panel title="What was changed" flush>
      <form class="filters" role="search" onSubmit={search}>
        <TextField
          label="Who"
          value={typed.who}
          onText={(who) => setTyped({ ...typed, who })}
          search
        />
        <TextField
          label="What"
          placeholder="queue.change"
          value={typed.what}
          onText={(what) => setTyped({ ...typed, what })}
        />
        <div class="row">
          <button type="submit" class="button">
            Search
          </button>
        </div>
      </form>
      <Listing
        pages={pages}
        empty={
          <Empty title="Nothing was changed">
            Every change made here, by the API or by a token, is written down.
          </Empty>
        }
      >
        {(items) => (
          <Table label="Audit log" columns={columns} rows={items} keyOf={({ id }) => String(id)} />
        )}
      </Listing>
    </Panel>
  )
}

const columns: readonly Column<AuditItem>[] = [
  { title: 'When', cell: ({ at }) => <When at={at} /> },
  {
    title: 'Who',
    cell: ({ who, from }) => (
      <div class="break">
        {plainText(who)}
        <div class="line-2">{plainText(from)}</div>
      </div>
    ),
  },
  {
    title: 'What',
    cell: ({ what, done, times, lastAt }) => (
      <div class="break">
        <code>{plainText(what)}</code> {done ? null : <Status of="failed" />}
        {lastAt === undefined ? null : (
          <div class="line-2">
            {times} times, last <When at={lastAt} />
          </div>
        )}
      </div>
    ),
  },
  {
    title: 'Of what',
    cell: ({ target, details }) => (
      <div class="break">
        {plainText(target)}
        {details === undefined ? null : (
          <details>
            <summary class="muted">details</summary>
            <code>{plainText(details)}</code>
          </details>
        )}
      </div>
    ),
  },
]
