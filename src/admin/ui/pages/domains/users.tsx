import { useState } from 'preact/hooks'
import type { MailUser, MailUserPage } from '../../../schemas/accounts.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { ConfirmRemoval } from '../../parts/confirm.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Listing } from '../../parts/listing.tsx'
import { Panel } from '../../parts/page.tsx'
import { rowActions, type OpenOver } from '../../parts/row-actions.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { usePages } from '../../parts/use-pages.ts'
import { When } from '../../parts/when.tsx'
import { ChangeUser, NewUser } from './user-dialogs.tsx'

export function Users({
  domain,
  onChange,
}: {
  readonly domain: string
  readonly onChange: () => void
}) {
  const { api, may } = useApp()
  const pages = usePages<MailUser>(`users ${domain}`, (cursor, signal) =>
    api.ask<MailUserPage>('GET', '/users', {
      query: { domain, cursor },
      ...(signal === undefined ? {} : { signal }),
    }),
  )
  const [open, setOpen] = useState<OpenOver<MailUser> | undefined>()
  const close = (): void => setOpen(undefined)
  const done = (): void => {
    pages.reload()
    onChange()
  }
  const actions = rowActions<MailUser>(({ user }) => user, setOpen)
  return (
    <Panel
      title="Users"
      flush
      actions={
        may('accounts:write') ? (
          <button type="button" class="button" onClick={() => setOpen({ what: 'new' })}>
            Add a user
          </button>
        ) : null
      }
    >
      <Listing
        pages={pages}
        empty={
          <Empty title="No users yet">
            Add one: a user has a mailbox here, and can log in to send and to fetch mail.
          </Empty>
        }
      >
        {(items) => (
          <Table
            label="Users"
            columns={may('accounts:write') ? [...columns, actions] : columns}
            rows={items}
            keyOf={({ user }) => user}
          />
        )}
      </Listing>
      {open?.what === 'new' ? <NewUser domain={domain} onDone={done} onClose={close} /> : null}
      {open?.what === 'change' ? (
        <ChangeUser user={open.row} onDone={done} onClose={close} />
      ) : null}
      {open?.what === 'remove' ? (
        <ConfirmRemoval
          what="user"
          name={open.row.user}
          path={`/users/${encodeURIComponent(open.row.user)}`}
          onDone={done}
          onClose={close}
        >
          <strong class="break">{plainText(open.row.user)}</strong> can no longer log in, and gets
          no more mail. What was delivered stays where it lies.
        </ConfirmRemoval>
      ) : null}
    </Panel>
  )
}

const columns: readonly Column<MailUser>[] = [
  { title: 'User', cell: ({ user }) => <strong class="break">{plainText(user)}</strong> },
  { title: 'Quota', cell: ({ quota }) => plainText(quota ?? 'none') },
  {
    title: 'May not',
    cell: ({ flags }) => flags.map((flag) => flag.replace('no-', '')).join(', '),
  },
  {
    title: 'Until',
    cell: ({ expiresAt }) => (expiresAt === undefined ? '' : <When at={expiresAt} />),
  },
  { title: 'Changed', cell: ({ changedAt }) => <When at={changedAt} /> },
]
