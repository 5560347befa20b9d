/** Addresses whose mail goes to others: aliases within the house, forwards out of it. */
import { useState } from 'preact/hooks'
import type { Alias, AliasPage } from '../../../schemas/accounts.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { ConfirmRemoval } from '../../parts/confirm.tsx'
import { Empty } from '../../parts/empty.tsx'
import { TextArea, TextField } from '../../parts/fields.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'
import { Listing } from '../../parts/listing.tsx'
import { Panel } from '../../parts/page.tsx'
import { rowActions, type OpenOver } from '../../parts/row-actions.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { usePages } from '../../parts/use-pages.ts'

interface DialogProperties {
  readonly onDone: () => void
  readonly onClose: () => void
}

export function Aliases({
  domain,
  onChange,
}: {
  readonly domain: string
  readonly onChange: () => void
}) {
  const { api, may } = useApp()
  const pages = usePages<Alias>(`aliases ${domain}`, (cursor, signal) =>
    api.ask<AliasPage>('GET', '/aliases', {
      query: { domain, cursor },
      ...(signal === undefined ? {} : { signal }),
    }),
  )
  const [open, setOpen] = useState<OpenOver<Alias> | undefined>()
  const close = (): void => setOpen(undefined)
  const done = (): void => {
    pages.reload()
    onChange()
  }
  const actions = rowActions<Alias>(({ address }) => address, setOpen)
  return (
    <Panel
      title="Aliases and forwards"
      flush
      actions={
        may('accounts:write') ? (
          <button type="button" class="button" onClick={() => setOpen({ what: 'new' })}>
            Add an alias
          </button>
        ) : null
      }
    >
      <Listing
        pages={pages}
        empty={
          <Empty title="No aliases yet">
            An alias sends the mail of one address to others, here or elsewhere.
          </Empty>
        }
      >
        {(items) => (
          <Table
            label="Aliases"
            columns={may('accounts:write') ? [...columns, actions] : columns}
            rows={items}
            keyOf={({ address }) => address}
          />
        )}
      </Listing>
      {open?.what === 'new' ? <NewAlias domain={domain} onDone={done} onClose={close} /> : null}
      {open?.what === 'change' ? (
        <ChangeAlias alias={open.row} onDone={done} onClose={close} />
      ) : null}
      {open?.what === 'remove' ? (
        <ConfirmRemoval
          what="alias"
          name={open.row.address}
          path={`/aliases/${encodeURIComponent(open.row.address)}`}
          onDone={done}
          onClose={close}
        >
          Mail for <strong class="break">{plainText(open.row.address)}</strong> is no longer taken,
          unless a user or a catch-all has that address.
        </ConfirmRemoval>
      ) : null}
    </Panel>
  )
}

const columns: readonly Column<Alias>[] = [
  { title: 'Address', cell: ({ address }) => <strong class="break">{plainText(address)}</strong> },
  {
    title: 'Goes to',
    cell: ({ targets }) => <span class="break">{plainText(targets.join(', '))}</span>,
  },
]

function targetsIn(text: string): readonly string[] {
  return text
    .split(/[\n,]/)
    .map((each) => each.trim())
    .filter((each) => each !== '')
}

function NewAlias({ domain, onDone, onClose }: DialogProperties & { readonly domain: string }) {
  const { api, say } = useApp()
  const [localPart, setLocalPart] = useState('')
  const [targets, setTargets] = useState('')
  const add = async (): Promise<void> => {
    const typed = localPart.trim()
    const address = typed.includes('@') ? typed : `${typed}@${domain}`
    await api.ask<Alias>('POST', '/aliases', { body: { address, targets: targetsIn(targets) } })
    say(`${address} was added`)
    onDone()
  }
  return (
    <FormDialog title={`Add an alias of ${domain}`} action="Add" onSubmit={add} onClose={onClose}>
      <TextField
        label="Name"
        hint={`What stands before @${domain}`}
        value={localPart}
        onText={setLocalPart}
        required
      />
      <TextArea
        label="Goes to"
        hint="Addresses, one on each line"
        rows={4}
        value={targets}
        onText={setTargets}
      />
    </FormDialog>
  )
}

function ChangeAlias({ alias, onDone, onClose }: DialogProperties & { readonly alias: Alias }) {
  const { api, say } = useApp()
  const [targets, setTargets] = useState(alias.targets.join('\n'))
  const change = async (): Promise<void> => {
    await api.ask<Alias>('PUT', `/aliases/${encodeURIComponent(alias.address)}`, {
      body: { targets: targetsIn(targets) },
    })
    say(`${alias.address} was changed`)
    onDone()
  }
  return (
    <FormDialog title={alias.address} action="Save" onSubmit={change} onClose={onClose}>
      <TextArea
        label="Goes to"
        hint="Addresses, one on each line"
        rows={5}
        value={targets}
        onText={setTargets}
      />
    </FormDialog>
  )
}
