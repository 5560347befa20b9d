/** Who may open these pages, as what. */
import { useState } from 'preact/hooks'
import type { AdminUser } from '../../../schemas/access.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { ConfirmRemoval } from '../../parts/confirm.tsx'
import { SelectField, TextArea, TextField } from '../../parts/fields.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { Waiting } from '../../parts/listing.tsx'
import { ProblemNotice } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { rowActions, type OpenOver } from '../../parts/row-actions.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useLoad } from '../../parts/use-load.ts'
import { Age } from '../../parts/when.tsx'
import { Sessions } from './sessions.tsx'

type Role = AdminUser['role']

const roleWords: readonly (readonly [role: Role, words: string])[] = [
  ['admin', 'admin: everything'],
  ['operator', 'operator: everything but access and audit'],
  ['helpdesk', 'helpdesk: looks, and lets held mail go'],
  ['auditor', 'auditor: looks at everything, changes nothing'],
  ['domain-admin', 'domain-admin: users and held mail of some domains'],
]

export function AdminUsers() {
  const { api } = useApp()
  const { value, error, loading, reload } = useLoad('admin users', (signal) =>
    api.ask<{ readonly users: readonly AdminUser[] }>('GET', '/access/users', { signal }),
  )
  const [open, setOpen] = useState<OpenOver<AdminUser> | undefined>()
  const close = (): void => setOpen(undefined)
  const actions = rowActions<AdminUser>(({ name }) => name, setOpen)
  return (
    <div class="stack">
      <ProblemNotice error={error} />
      <Panel
        title="Users of these pages"
        flush
        actions={
          <button type="button" class="button" onClick={() => setOpen({ what: 'new' })}>
            Add a user
          </button>
        }
      >
        {value === undefined ? (
          <Waiting loading={loading} />
        ) : (
          <Table
            label="Users of these pages"
            columns={[...columns, actions]}
            rows={value.users}
            keyOf={({ name }) => name}
          />
        )}
      </Panel>
      <Sessions />
      {open?.what === 'new' || open?.what === 'change' ? (
        <UserDialog
          user={open.what === 'change' ? open.row : undefined}
          onDone={reload}
          onClose={close}
        />
      ) : null}
      {open?.what === 'remove' ? (
        <ConfirmRemoval
          what="user"
          name={open.row.name}
          path={`/access/users/${encodeURIComponent(open.row.name)}`}
          onDone={reload}
          onClose={close}
        >
          <strong class="break">{plainText(open.row.name)}</strong> is logged out everywhere, and
          the API tokens end.
        </ConfirmRemoval>
      ) : null}
    </div>
  )
}

const columns: readonly Column<AdminUser>[] = [
  { title: 'User', cell: ({ name }) => <strong class="break">{plainText(name)}</strong> },
  {
    title: 'Role',
    cell: ({ role, domains }) => (
      <div class="break">
        {role}
        {domains.length === 0 ? null : <div class="line-2">{plainText(domains.join(', '))}</div>}
      </div>
    ),
  },
  {
    title: 'Last login',
    cell: ({ lastLoginAt }) =>
      lastLoginAt === undefined ? (
        'never'
      ) : (
        <>
          <Age at={lastLoginAt} /> ago
        </>
      ),
  },
]

function UserDialog({
  user,
  onDone,
  onClose,
}: {
  readonly user: AdminUser | undefined
  readonly onDone: () => void
  readonly onClose: () => void
}) {
  const { api, say } = useApp()
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>(user?.role ?? 'operator')
  const [domains, setDomains] = useState(user?.domains.join('\n') ?? '')
  const [password, setPassword] = useState('')
  const save = async (): Promise<void> => {
    const body = {
      role,
      ...(role === 'domain-admin' ? { domains: domains.split(/\s+/).filter(Boolean) } : {}),
      ...(password === '' ? {} : { password }),
    }
    const saved =
      user === undefined
        ? await api.ask<AdminUser>('POST', '/access/users', {
            body: { ...body, name: name.trim(), password },
          })
        : await api.ask<AdminUser>('PATCH', `/access/users/${encodeURIComponent(user.name)}`, {
            body,
          })
    say(`${saved.name} was ${user === undefined ? 'added' : 'changed'}`)
    onDone()
  }
  return (
    <FormDialog
      title={user === undefined ? 'Add a user' : user.name}
      action={user === undefined ? 'Add' : 'Save'}
      onSubmit={save}
      onClose={onClose}
    >
      {user === undefined ? (
        <TextField label="Name" value={name} onText={setName} required />
      ) : null}
      <SelectField
        label="Role"
        value={role}
        choices={roleWords}
        onValue={(chosen) =>
          setRole(roleWords.find(([each]) => each === chosen)?.[0] ?? 'operator')
        }
      />
      {role === 'domain-admin' ? (
        <TextArea
          label="Domains"
          hint="One on each line"
          rows={3}
          value={domains}
          onText={setDomains}
        />
      ) : null}
      <TextField
        label={user === undefined ? 'Password' : 'New password'}
        type="password"
        autocomplete="new-password"
        hint={
          user === undefined ? 'At least 10 characters' : 'Empty: it stays. A new one ends sessions'
        }
        minLength={10}
        value={password}
        onText={setPassword}
        required={user === undefined}
      />
    </FormDialog>
  )
}
