/** One domain: its settings, its users, its aliases and forwards. */
import { useState } from 'preact/hooks'
import type { Domain, DomainChange } from '../../../schemas/accounts.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { formatCount } from '../../format/numbers.ts'
import { pathOf } from '../../model/places.ts'
import { ConfirmRemoval } from '../../parts/confirm.tsx'
import { SelectField, TextField } from '../../parts/fields.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { Waiting } from '../../parts/listing.tsx'
import { ProblemNotice } from '../../parts/notice.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { useLoad } from '../../parts/use-load.ts'
import { Aliases } from './aliases.tsx'
import { CatchAll } from './domains-page.tsx'
import { Users } from './users.tsx'

export function DomainPage({ name }: { readonly name: string }) {
  const { api, may } = useApp()
  const { value, error, loading, reload } = useLoad(`domain ${name}`, (signal) =>
    api.ask<Domain>('GET', `/domains/${encodeURIComponent(name)}`, { signal }),
  )
  const [open, setOpen] = useState<'change' | 'remove' | undefined>()
  const close = (): void => setOpen(undefined)
  return (
    <Page
      title={plainText(name)}
      above={<a href={pathOf('domains')}>Domains and users</a>}
      actions={
        value !== undefined && may('domains:write') ? (
          <>
            <button type="button" class="button" onClick={() => setOpen('change')}>
              Settings
            </button>
            <button type="button" class="button button-danger" onClick={() => setOpen('remove')}>
              Remove
            </button>
          </>
        ) : null
      }
    >
      <ProblemNotice error={error} />
      {value === undefined ? (
        <Waiting loading={loading} />
      ) : (
        <div class="stack">
          <Panel>
            <Settings domain={value} />
          </Panel>
          <Users domain={name} onChange={reload} />
          <Aliases domain={name} onChange={reload} />
        </div>
      )}
      {value !== undefined && open === 'change' ? (
        <ChangeDialog domain={value} onDone={reload} onClose={close} />
      ) : null}
      {open === 'remove' ? <RemoveDialog name={name} onClose={close} /> : null}
    </Page>
  )
}

function Settings({ domain }: { readonly domain: Domain }) {
  const { users, maxUsers, aliases, maxAliases, catchAll, overQuota, quota, defaultQuota } = domain
  const { otherNames } = domain
  const limit = (most: number | undefined): string =>
    most === undefined ? '' : ` of at most ${formatCount(most)}`
  return (
    <dl class="facts">
      <dt>Users</dt>
      <dd>
        {formatCount(users)}
        {limit(maxUsers)}
      </dd>
      <dt>Aliases</dt>
      <dd>
        {formatCount(aliases)}
        {limit(maxAliases)}
      </dd>
      <dt>Other names</dt>
      <dd class="break">{plainText(otherNames.join(', ') || 'none')}</dd>
      <dt>Mail for unknown recipients</dt>
      <dd>
        <CatchAll catchAll={catchAll} />
      </dd>
      <dt>Quota of the domain</dt>
      <dd>{plainText(quota ?? 'none')}</dd>
      <dt>Quota of a new user</dt>
      <dd>{plainText(defaultQuota ?? 'none')}</dd>
      <dt>Over quota</dt>
      <dd>{overQuota}</dd>
    </dl>
  )
}

function ChangeDialog({
  domain,
  onDone,
  onClose,
}: {
  readonly domain: Domain
  readonly onDone: () => void
  readonly onClose: () => void
}) {
  const { api, say } = useApp()
  const [catchAll, setCatchAll] = useState(domain.catchAll)
  const [overQuota, setOverQuota] = useState(domain.overQuota)
  const [quota, setQuota] = useState(domain.quota ?? '')
  const [defaultQuota, setDefaultQuota] = useState(domain.defaultQuota ?? '')
  const [maxUsers, setMaxUsers] = useState(domain.maxUsers?.toString() ?? '')
  const [maxAliases, setMaxAliases] = useState(domain.maxAliases?.toString() ?? '')
  const [otherNames, setOtherNames] = useState(domain.otherNames.join(', '))
  const change = async (): Promise<void> => {
    const body: DomainChange = {
      catchAll: catchAll.trim() === '' ? 'bounce' : catchAll.trim(),
      overQuota: overQuota === 'defer' ? 'defer' : 'reject',
      quota: textOrNone(quota),
      defaultQuota: textOrNone(defaultQuota),
      maxUsers: numberOrNone(maxUsers),
      maxAliases: numberOrNone(maxAliases),
      otherNames: otherNames.split(/[\s,]+/).filter((name) => name !== ''),
    }
    await api.ask<Domain>('PATCH', `/domains/${encodeURIComponent(domain.name)}`, { body })
    say(`${domain.name} was changed`)
    onDone()
  }
  return (
    <FormDialog
      title={`Settings of ${domain.name}`}
      action="Save"
      onSubmit={change}
      onClose={onClose}
    >
      <TextField
        label="Mail for unknown recipients"
        hint="bounce: refuse it; delete; or an address that gets it"
        value={catchAll}
        onText={setCatchAll}
      />
      <TextField
        label="Other names"
        hint="Domains whose addresses and logins are those of this one"
        value={otherNames}
        onText={setOtherNames}
      />
      <SelectField
        label="Over quota"
        value={overQuota}
        choices={[
          ['reject', 'reject: the sender is told at once'],
          ['defer', 'defer: it may come again later'],
        ]}
        onValue={setOverQuota}
      />
      <div class="form-columns">
        <TextField label="Quota of the domain" placeholder="none" value={quota} onText={setQuota} />
        <TextField
          label="Quota of a new user"
          placeholder="none"
          value={defaultQuota}
          onText={setDefaultQuota}
        />
        <TextField
          label="Most users"
          type="number"
          placeholder="no limit"
          value={maxUsers}
          onText={setMaxUsers}
        />
        <TextField
          label="Most aliases"
          type="number"
          placeholder="no limit"
          value={maxAliases}
          onText={setMaxAliases}
        />
      </div>
    </FormDialog>
  )
}

function textOrNone(text: string): string | null {
  return text.trim() === '' ? null : text.trim()
}

function numberOrNone(text: string): number | null {
  return text.trim() === '' ? null : Number(text)
}

function RemoveDialog({ name, onClose }: { readonly name: string; readonly onClose: () => void }) {
  const { navigation } = useApp()
  return (
    <ConfirmRemoval
      what="domain"
      name={name}
      path={`/domains/${encodeURIComponent(name)}`}
      onDone={() => navigation.go(pathOf('domains'))}
      onClose={onClose}
    >
      <strong>{plainText(name)}</strong> goes with its users and aliases. Mail that was delivered
      stays where it lies.
    </ConfirmRemoval>
  )
}
