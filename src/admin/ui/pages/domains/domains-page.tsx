import { useState } from 'preact/hooks'
import type { Domain, DomainPage as Found, NewDomain } from '../../../schemas/accounts.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { formatCount } from '../../format/numbers.ts'
import { pathOf } from '../../model/places.ts'
import { Empty } from '../../parts/empty.tsx'
import { TextField } from '../../parts/fields.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { Listing } from '../../parts/listing.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { usePages } from '../../parts/use-pages.ts'

export function DomainsPage() {
  const { api, may } = useApp()
  const pages = usePages<Domain>('domains', (cursor, signal) =>
    api.ask<Found>('GET', '/domains', {
      query: { cursor },
      ...(signal === undefined ? {} : { signal }),
    }),
  )
  const [adding, setAdding] = useState(false)
  return (
    <Page
      title="Domains and users"
      actions={
        may('domains:write') ? (
          <button type="button" class="button button-main" onClick={() => setAdding(true)}>
            Add a domain
          </button>
        ) : null
      }
    >
      <Panel title="Domains" flush>
        <Listing
          pages={pages}
          empty={
            <Empty title="There are no domains yet">
              Add one, then its users. The entries <code>mailboxes</code> and <code>accounts</code>{' '}
              of the chain must be on, so that their mail is taken and they can log in.
            </Empty>
          }
        >
          {(items) => (
            <Table label="Domains" columns={columns} rows={items} keyOf={({ name }) => name} />
          )}
        </Listing>
      </Panel>
      {adding ? <NewDomainDialog onDone={pages.reload} onClose={() => setAdding(false)} /> : null}
    </Page>
  )
}

const columns: readonly Column<Domain>[] = [
  {
    title: 'Domain',
    cell: ({ name }) => (
      <a class="cell-link break" href={pathOf('domains', [name])}>
        {plainText(name)}
      </a>
    ),
  },
  {
    title: 'Users',
    kind: 'number',
    cell: ({ users, maxUsers }) =>
      `${formatCount(users)}${maxUsers === undefined ? '' : ` of ${formatCount(maxUsers)}`}`,
  },
  {
    title: 'Aliases',
    kind: 'number',
    cell: ({ aliases, maxAliases }) =>
      `${formatCount(aliases)}${maxAliases === undefined ? '' : ` of ${formatCount(maxAliases)}`}`,
  },
  { title: 'Unknown recipients', cell: ({ catchAll }) => <CatchAll catchAll={catchAll} /> },
  { title: 'Quota', cell: ({ quota }) => plainText(quota ?? 'none') },
]

export function CatchAll({ catchAll }: { readonly catchAll: string }) {
  if (catchAll === 'bounce') return <>refused</>
  return catchAll === 'delete' ? <>deleted</> : <span class="break">to {plainText(catchAll)}</span>
}

function NewDomainDialog({
  onDone,
  onClose,
}: {
  readonly onDone: () => void
  readonly onClose: () => void
}) {
  const { api, say, navigation } = useApp()
  const [name, setName] = useState('')
  const [catchAll, setCatchAll] = useState('')
  const [quota, setQuota] = useState('')
  const add = async (): Promise<void> => {
    const body: NewDomain = {
      name: name.trim(),
      ...(catchAll.trim() === '' ? {} : { catchAll: catchAll.trim() }),
      ...(quota.trim() === '' ? {} : { defaultQuota: quota.trim() }),
    }
    const made = await api.ask<Domain>('POST', '/domains', { body })
    say(`${made.name} was added`)
    onDone()
    navigation.go(pathOf('domains', [made.name]))
  }
  return (
    <FormDialog title="Add a domain" action="Add" onSubmit={add} onClose={onClose}>
      <TextField label="Domain" placeholder="example.org" value={name} onText={setName} required />
      <TextField
        label="Mail for unknown recipients"
        hint="bounce: refuse it; delete; or an address that gets it"
        placeholder="bounce"
        value={catchAll}
        onText={setCatchAll}
      />
      <TextField
        label="Quota of a new user"
        placeholder="none"
        hint="Such as 100MB"
        value={quota}
        onText={setQuota}
      />
    </FormDialog>
  )
}
