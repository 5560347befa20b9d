/** Who may open these pages, as what. */
import { useState } from 'preact/hooks'
import type { AdminUser } from '../../../schemas/access.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { SelectField, TextArea, TextField } from '../../parts/fields.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { Waiting } from '../../parts/listing.tsx'
import { ProblemNotice } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useLoad } from '../../parts/use-load.ts'
import { Age } from '../../parts/when.tsx'
import { Sessions } from './sessions.tsx'

type Open =
  | { readonly what: 'new' }
  | { readonly what: 'change' | 'remove'; readonly user: AdminUser }
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
  const [open, setOpen] = useState<Open | undefined>()
  const close = (): void => setOpen(undefined)
  const actions: Column<AdminUser> = {
    title: '',
    cell: (user) => (
      <div class="actions">
        <button
          type="button"
          class="button button-small"
          onClick={() => setOpen({ what: 'change', user })}
        >
          Change<span class="sr-only"> {plainText(user.name)}</span>
        </button>
        <button
          type="button"
          class="button button-small button-danger"
          onClick={() => setOpen({ what: 'remove', user })}
        >
          Remove<span class="sr-only"> {plainText(user.name)}</span>
        </button>
      </div>
    ),
  }
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
          user={open.what === 'change' ? open.user : undefined}
          onDone={reload}
          onClose={close}
        />
      ) : null}
      {open?.what === 'remove' ? (
        <RemoveUser name={open.user.name} onDone={reload} onClose={close} />
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

function RemoveUser({
  name,
  onDone,
  onClose,
}: {
  readonly name: string
  readonly onDone: () => void
  readonly onClose: () => void
}) {
  const { api, say } = useApp()
  const remove = async (): Promise<void> => {
    await api.ask('DELETE', `/access/users/${encodeURIComponent(name)}`)
    say(`${name} was removed`)
    onDone()
  }
  return (
    <Confirm title="Remove the user?" action="Remove" danger onConfirm={remove} onClose={onClose}>
      <p>
        <strong class="break">{plainText(name)}</strong> is logged out everywhere, and the API
        tokens end.
      </p>
    </Confirm>
  )
}
