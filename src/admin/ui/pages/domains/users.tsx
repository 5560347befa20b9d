import { useState } from 'preact/hooks'
import type { MailUser, MailUserPage } from '../../../schemas/accounts.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Listing } from '../../parts/listing.tsx'
import { Panel } from '../../parts/page.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { usePages } from '../../parts/use-pages.ts'
import { When } from '../../parts/when.tsx'
import { ChangeUser, NewUser } from './user-dialogs.tsx'

type Open =
  | { readonly what: 'new' }
  | { readonly what: 'change' | 'remove'; readonly user: MailUser }

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
  const [open, setOpen] = useState<Open | undefined>()
  const close = (): void => setOpen(undefined)
  const done = (): void => {
    pages.reload()
    onChange()
  }
  const actions: Column<MailUser> = {
    title: '',
    cell: (user) => (
      <div class="actions">
        <button
          type="button"
          class="button button-small"
          onClick={() => setOpen({ what: 'change', user })}
        >
          Change<span class="sr-only"> {plainText(user.user)}</span>
        </button>
        <button
          type="button"
          class="button button-small button-danger"
          onClick={() => setOpen({ what: 'remove', user })}
        >
          Remove<span class="sr-only"> {plainText(user.user)}</span>
        </button>
      </div>
    ),
  }
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
        <ChangeUser user={open.user} onDone={done} onClose={close} />
      ) : null}
      {open?.what === 'remove' ? (
        <RemoveUser user={open.user.user} onDone={done} onClose={close} />
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

function RemoveUser({
  user,
  onDone,
  onClose,
}: {
  readonly user: string
  readonly onDone: () => void
  readonly onClose: () => void
}) {
  const { api, say } = useApp()
  const remove = async (): Promise<void> => {
    await api.ask('DELETE', `/users/${encodeURIComponent(user)}`)
    say(`${user} was removed`)
    onDone()
  }
  return (
    <Confirm title="Remove the user?" action="Remove" danger onConfirm={remove} onClose={onClose}>
      <p>
        <strong class="break">{plainText(user)}</strong> can no longer log in, and gets no more
        mail. What was delivered stays where it lies.
      </p>
    </Confirm>
  )
}
