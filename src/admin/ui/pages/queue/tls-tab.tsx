/** TLS with the mail exchangers of others, a day at a time. */
import type { TlsReports } from '../../../schemas/maintenance.ts'
import { useApp } from '../../app-context.ts'
import { nowMs } from '../../browser/clock.ts'
import { plainText } from '../../format/lines.ts'
import { formatCount } from '../../format/numbers.ts'
import { pathOf } from '../../model/places.ts'
import { tlsRows, type TlsRow } from '../../model/tls-report.ts'
import { Empty } from '../../parts/empty.tsx'
import { SelectField, TextField } from '../../parts/fields.tsx'
import { Waiting } from '../../parts/listing.tsx'
import { PanelProblem } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useKeyed } from '../../parts/use-keyed.ts'
import { useLoad } from '../../parts/use-load.ts'

const dayMs = 86_400_000
const mostDays = 14

export function TlsTab({ query }: { readonly query: URLSearchParams }) {
  const { api, navigation } = useApp()
  const domain = query.get('domain') ?? ''
  const days = Array.from({ length: mostDays }, (_, ago) =>
    new Date(nowMs() - ago * dayMs).toISOString().slice(0, 10),
  )
  const day = query.get('day') ?? days[0] ?? ''
  const { value, error, loading } = useLoad(`tls ${day} ${domain}`, (signal) =>
    api.ask<TlsReports>('GET', '/tls-reports', { query: { day, domain }, signal }),
  )
  const [typed, setTyped] = useKeyed(domain, domain)
  const go = (asked: { readonly day: string; readonly domain: string }): void =>
    navigation.go(pathOf('queue', ['tls'], asked))
  const rows = value === undefined ? undefined : tlsRows(value.reports)
  return (
    <Panel title="TLS with other hosts" flush>
      <form
        class="filters"
        role="search"
        onSubmit={(event) => {
          event.preventDefault()
          go({ day, domain: typed.trim() })
        }}
      >
        <SelectField
          label="Day (UTC)"
          value={day}
          choices={(days.includes(day) ? days : [day, ...days]).map((each) => [each, each])}
          onValue={(chosen) => go({ day: chosen, domain })}
        />
        <TextField
          label="Domain"
          placeholder="example.org"
          value={typed}
          onText={setTyped}
          search
          wide
        />
        <div class="row">
          <button type="submit" class="button button-main">
            Search
          </button>
        </div>
      </form>
      <PanelProblem error={error} />
      {rows === undefined ? (
        <Waiting loading={loading} />
      ) : rows.length === 0 ? (
        <Empty title="No mail went out by TLS policy that day">
          Domains that ask for TLS (DANE, MTA-STS) or for reports are counted here as mail goes to
          them.
        </Empty>
      ) : (
        <Table
          label="TLS by domain"
          columns={columns}
          rows={rows}
          keyOf={({ domain: of, policy }) => `${of} ${policy}`}
        />
      )}
    </Panel>
  )
}

const columns: readonly Column<TlsRow>[] = [
  { title: 'Domain', cell: ({ domain }) => <strong class="break">{plainText(domain)}</strong> },
  { title: 'Policy', cell: ({ policy }) => plainText(policy) },
  { title: 'Good', kind: 'number', cell: ({ successes }) => formatCount(successes) },
  { title: 'Failed', kind: 'number', cell: ({ failures }) => formatCount(failures) },
  {
    title: 'How it failed',
    cell: ({ details }) => (
      <div class="break">
        {details.map((detail, index) => (
          <div key={index}>{plainText(detail)}</div>
        ))}
      </div>
    ),
  },
]
