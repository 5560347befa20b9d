import { useState } from 'preact/hooks'
import type { MailUser, MailUserChange, NewMailUser } from '../../../schemas/accounts.ts'
import { useApp } from '../../app-context.ts'
import { CheckField, TextField } from '../../parts/fields.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'

type Flag = NonNullable<MailUserChange['flags']>[number]

const flagWords: readonly (readonly [flag: Flag, words: string])[] = [
  ['no-login', 'may not log in at all'],
  ['no-smtp', 'may not send'],
  ['no-pop', 'may not fetch mail'],
  ['no-mail', 'gets no mail'],
]

export function NewUser({
  domain,
  onDone,
  onClose,
}: {
  readonly domain: string
  readonly onDone: () => void
  readonly onClose: () => void
}) {
  const { api, say } = useApp()
  const [localPart, setLocalPart] = useState('')
  const [password, setPassword] = useState('')
  const [quota, setQuota] = useState('')
  const add = async (): Promise<void> => {
    const typed = localPart.trim()
    const body: NewMailUser = {
      user: typed.includes('@') ? typed : `${typed}@${domain}`,
      password,
      ...(quota.trim() === '' ? {} : { quota: quota.trim() }),
    }
    const made = await api.ask<MailUser>('POST', '/users', { body })
    say(`${made.user} was added`)
    onDone()
  }
  return (
    <FormDialog title={`Add a user of ${domain}`} action="Add" onSubmit={add} onClose={onClose}>
      <TextField
        label="Name"
        hint={`What stands before @${domain}`}
        value={localPart}
        onText={setLocalPart}
        required
      />
      <TextField
        label="Password"
        type="password"
        autocomplete="new-password"
        value={password}
        onText={setPassword}
        required
      />
      <TextField
        label="Quota"
        placeholder="as the domain says"
        hint="Such as 100MB"
        value={quota}
        onText={setQuota}
      />
    </FormDialog>
  )
}

export function ChangeUser({
  user,
  onDone,
  onClose,
}: {
  readonly user: MailUser
  readonly onDone: () => void
  readonly onClose: () => void
}) {
  const { api, say } = useApp()
  const [password, setPassword] = useState('')
  const [quota, setQuota] = useState(user.quota ?? '')
  const [flags, setFlags] = useState<readonly Flag[]>(
    flagWords.map(([flag]) => flag).filter((flag) => user.flags.includes(flag)),
  )
  const change = async (): Promise<void> => {
    const body: MailUserChange = {
      flags: [...flags],
      quota: quota.trim() === '' ? null : quota.trim(),
      ...(password === '' ? {} : { password }),
    }
    await api.ask<MailUser>('PATCH', `/users/${encodeURIComponent(user.user)}`, { body })
    say(`${user.user} was changed`)
    onDone()
  }
  return (
    <FormDialog title={user.user} action="Save" onSubmit={change} onClose={onClose}>
      <TextField
        label="New password"
        type="password"
        autocomplete="new-password"
        hint="Empty: it stays as it is"
        value={password}
        onText={setPassword}
      />
      <TextField label="Quota" placeholder="none" value={quota} onText={setQuota} />
      {flagWords.map(([flag, words]) => (
        <CheckField
          key={flag}
          label={words}
          checked={flags.includes(flag)}
          onCheck={(on) => setFlags(on ? [...flags, flag] : flags.filter((each) => each !== flag))}
        />
      ))}
    </FormDialog>
  )
}
