/** The search: every filter stands in the URL. */
import type { MessagePage as FoundPage, MessageSummary } from '../../../schemas/messages.ts'
import { useApp } from '../../app-context.ts'
import { urlOf } from '../../browser/api-client.ts'
import { nowMs } from '../../browser/clock.ts'
import { formatBytes } from '../../format/numbers.ts'
import { counted, plainText } from '../../format/lines.ts'
import { lookBacks } from '../../model/look-back.ts'
import {
  askedFor,
  outcomeWords,
  readFilters,
  type FilterName,
  type Filters,
} from '../../model/message-filters.ts'
import { pathOf } from '../../model/places.ts'
import { Empty } from '../../parts/empty.tsx'
import { SelectField, TextField } from '../../parts/fields.tsx'
import { Listing } from '../../parts/listing.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Status } from '../../parts/status.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useKeyed } from '../../parts/use-keyed.ts'
import { usePages, type Pages } from '../../parts/use-pages.ts'
import { When } from '../../parts/when.tsx'
import { wayIn } from './way-in.ts'

const pageSize = 50

export function MessagesPage({ query }: { readonly query: URLSearchParams }) {
  const { api } = useApp()
  const filters = readFilters(query)
  const pages = usePages<MessageSummary>(
    query.toString(),
    (cursor, signal) =>
      api.ask<FoundPage>('GET', '/messages', {
        query: { ...askedFor(filters, nowMs()), cursor, limit: pageSize },
        ...(signal === undefined ? {} : { signal }),
      }),
    pageSize,
  )
  const csv = urlOf('/messages.csv', askedFor(filters, nowMs()))
  return (
    <Page
      title="Messages"
      actions={
        <>
          <button type="button" class="button" onClick={pages.reload}>
            Refresh
          </button>
          <a class="button" href={csv} download="messages.csv">
            Save as CSV
          </a>
        </>
      }
    >
      <div class="stack">
        <Panel title="Search" flush>
          <MessageFilters filters={filters} />
        </Panel>
        <Panel
          title={
            pages.items === undefined ? 'Found' : `Found ${foundWords(pages.items.length, pages)}`
          }
          flush
        >
          <Listing pages={pages} empty={<NothingFound filtered={query.size > 0} />}>
            {(items) => (
              <Table label="Messages" columns={columns} rows={items} keyOf={({ id }) => id} />
            )}
          </Listing>
        </Panel>
      </div>
    </Page>
  )
}

function foundWords(count: number, { more, searching }: Pages<MessageSummary>): string {
  if (searching) return `${counted(count, 'message')} so far`
  return more !== undefined ? `more than ${count}` : counted(count, 'message')
}

function NothingFound({ filtered }: { readonly filtered: boolean }) {
  return filtered ? (
    <Empty title="No message matches">
      Take a filter away, or look further back. Traces are kept as long as <code>store</code> in
      postern.yaml says.
    </Empty>
  ) : (
    <Empty title="No message has come yet">
      As soon as a client talks to a listener, what was decided about it is here. Or{' '}
      <a href={pathOf('try')}>try one</a>.
    </Empty>
  )
}

const columns: readonly Column<MessageSummary>[] = [
  { title: 'When', cell: ({ endedAt }) => <When at={endedAt} /> },
  { title: 'Outcome', cell: ({ outcome }) => <Status of={outcome} /> },
  {
    title: 'Message',
    cell: (message) => (
      <div>
        <a class="cell-link break" href={pathOf('messages', [message.id])}>
          {plainText(message.reversePath ?? 'no sender was named')}
        </a>
        <div class="line-2 clip">{recipientWords(message.recipients)}</div>
      </div>
    ),
  },
  {
    title: 'Client',
    cell: ({ remote, hello, via }) => (
      <div class="break">
        {via === undefined ? plainText(remote) : wayIn(via)}
        {hello === undefined ? null : <div class="line-2 clip">{plainText(hello)}</div>}
      </div>
    ),
  },
  {
    title: 'Decided by',
    cell: ({ entry, reason, reply }) => (
      <div class="break">
        {entry === undefined ? null : <div>{plainText(entry)}</div>}
        {reason === undefined ? null : <code>{plainText(reason)}</code>}
        {reply === undefined || (entry !== undefined && reason !== undefined) ? null : (
          <div class="line-2 clip">{plainText(`${reply.code} ${reply.status} ${reply.text}`)}</div>
        )}
      </div>
    ),
  },
  {
    title: 'Size',
    kind: 'number',
    cell: ({ sizeBytes }) => (sizeBytes === undefined ? '' : formatBytes(sizeBytes)),
  },
]

function recipientWords(recipients: readonly string[]): string {
  const [first, ...others] = recipients
  if (first === undefined) return 'no recipient'
  return plainText(others.length === 0 ? first : `${first} and ${others.length} more`)
}

function MessageFilters({ filters }: { readonly filters: Filters }) {
  const { navigation } = useApp()
  const [typed, setTyped] = useKeyed(JSON.stringify(filters), filters)
  const search = (event: Event): void => {
    event.preventDefault()
    navigation.go(pathOf('messages', [], typed))
  }
  const bind = (name: FilterName) => ({
    value: typed[name] ?? '',
    onText: (text: string) => setTyped({ ...typed, [name]: text }),
  })
  const choose = (name: FilterName) => ({
    value: typed[name] ?? '',
    onValue: (value: string) => {
      const chosen = { ...typed, [name]: value }
      setTyped(chosen)
      navigation.go(pathOf('messages', [], chosen))
    },
  })
  return (
    <form class="filters" role="search" onSubmit={search}>
      <TextField
        label="Sender"
        placeholder="ann@example.org or @example.org"
        type="search"
        search
        wide
        {...bind('sender')}
      />
      <TextField
        label="Recipient"
        placeholder="bob@example.net or @example.net"
        type="search"
        wide
        {...bind('recipient')}
      />
      <TextField
        label="Sender or recipient"
        placeholder="ann@example.org or @example.org"
        type="search"
        wide
        {...bind('address')}
      />
      <TextField label="Client address" placeholder="192.0.2.7" {...bind('remote')} />
      <SelectField
        label="Outcome"
        choices={[['', 'any'], ...outcomeWords.map((word) => [word, word] as const)]}
        {...choose('outcome')}
      />
      <TextField label="Decided by entry" placeholder="dnsbl" {...bind('entry')} />
      <TextField label="Reason" placeholder="LISTED" {...bind('reason')} />
      <TextField label="Queue id" {...bind('queueId')} />
      <TextField label="Anywhere" placeholder="any text" {...bind('text')} />
      <SelectField label="When" choices={lookBacks} {...choose('within')} />
      <div class="row">
        <button type="submit" class="button button-main">
          Search
        </button>
        {Object.keys(filters).length === 0 ? null : (
          <a class="button button-bare" href={pathOf('messages')}>
            Clear
          </a>
        )}
      </div>
    </form>
  )
}
