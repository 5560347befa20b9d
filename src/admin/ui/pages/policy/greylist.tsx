/** Whom greylisting knows, and since when. */
import { useState } from 'preact/hooks'
import type { GreylistChange, GreylistPage } from '../../../schemas/policy.ts'
import { useApp } from '../../app-context.ts'
import { counted, plainText } from '../../format/lines.ts'
import { formatCount } from '../../format/numbers.ts'
import { pathOf } from '../../model/places.ts'
import { Empty } from '../../parts/empty.tsx'
import { TextField } from '../../parts/fields.tsx'
import { Listing } from '../../parts/listing.tsx'
import { PanelProblem } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { usePages } from '../../parts/use-pages.ts'
import { Age, When } from '../../parts/when.tsx'

type Known = GreylistPage['items'][number]

export function Greylist({ query }: { readonly query: URLSearchParams }) {
  const { api, may, navigation, say } = useApp()
  const asked = query.get('client') ?? ''
  const [client, setClient] = useState(asked)
  const [error, setError] = useState<unknown>()
  const pages = usePages<Known>(`greylist ${asked}`, (cursor, signal) =>
    api.ask<GreylistPage>('GET', '/policy/greylist', {
      query: { client: asked, cursor },
      ...(signal === undefined ? {} : { signal }),
    }),
  )
  const change = async (what: 'allow' | 'forget'): Promise<void> => {
    setError(undefined)
    try {
      const { entries } = await api.ask<GreylistChange>('POST', `/policy/greylist/${what}`, {
        body: { client: client.trim() },
      })
      say(
        what === 'allow'
          ? `${client.trim()} need not come back any more`
          : `${counted(entries, 'record')} forgotten`,
      )
      pages.reload()
    } catch (problem) {
      setError(problem)
    }
  }
  return (
    <Panel title="Known to the greylist" flush>
      <form
        class="filters filters-row"
        role="search"
        onSubmit={(event) => {
          event.preventDefault()
          navigation.go(pathOf('policy', ['greylist'], { client: client.trim() }))
        }}
      >
        <TextField
          label="Client"
          placeholder="192.0.2.7, 192.0.2.0/24, example.org"
          value={client}
          onText={setClient}
          search
          wide
        />
        <div class="row">
          <button type="submit" class="button">
            Search
          </button>
          {may('policy:write') ? (
            <>
              <button
                type="button"
                class="button"
                disabled={client.trim() === ''}
                onClick={() => void change('allow')}
              >
                Never ask it to come back
              </button>
              <button
                type="button"
                class="button button-danger"
                disabled={client.trim() === ''}
                onClick={() => void change('forget')}
              >
                Forget it
              </button>
            </>
          ) : null}
        </div>
      </form>
      <PanelProblem error={error} />
      <Listing
        pages={pages}
        empty={
          <Empty title={asked === '' ? 'The greylist knows nobody' : 'Nobody matches'}>
            Where the entry <code>greylist</code> of the chain is on, strangers appear here when
            they first come.
          </Empty>
        }
      >
        {(items) => (
          <Table label="Known clients" columns={columns} rows={items} keyOf={({ key }) => key} />
        )}
      </Listing>
    </Panel>
  )
}

const columns: readonly Column<Known>[] = [
  { title: 'Who', cell: ({ key }) => <span class="break">{plainText(key)}</span> },
  { title: 'First seen', cell: ({ firstAt }) => <When at={firstAt} /> },
  {
    title: 'Last seen',
    cell: ({ lastAt }) => (
      <>
        <Age at={lastAt} /> ago
      </>
    ),
  },
  { title: 'Let through', kind: 'number', cell: ({ passes }) => formatCount(passes) },
  { title: 'State', cell: ({ allowed }) => (allowed ? 'never asked to come back' : '') },
]
