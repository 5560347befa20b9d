/** Tokens for programs: each with scopes of its own, shown once. */
import { useState } from 'preact/hooks'
import type { ApiToken } from '../../../schemas/access.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Waiting } from '../../parts/listing.tsx'
import { Notice, PanelProblem } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useLoad } from '../../parts/use-load.ts'
import { Age, When } from '../../parts/when.tsx'
import { NewToken } from './new-token.tsx'

export function Tokens() {
  const { api } = useApp()
  const { value, error, loading, reload } = useLoad('tokens', (signal) =>
    api.ask<{ readonly tokens: readonly ApiToken[] }>('GET', '/access/tokens', { signal }),
  )
  const [adding, setAdding] = useState(false)
  const [made, setMade] = useState<string | undefined>()
  const [revoked, setRevoked] = useState<ApiToken | undefined>()
  const actions: Column<ApiToken> = {
    title: '',
    cell: (token) => (
      <div class="actions">
        <button
          type="button"
          class="button button-small button-danger"
          onClick={() => setRevoked(token)}
        >
          Revoke<span class="sr-only"> {plainText(token.name)}</span>
        </button>
      </div>
    ),
  }
  return (
    <Panel
      title="API tokens"
      flush
      actions={
        <button type="button" class="button" onClick={() => setAdding(true)}>
          Make a token
        </button>
      }
    >
      <PanelProblem error={error} />
      {value === undefined ? (
        <Waiting loading={loading} />
      ) : value.tokens.length === 0 ? (
        <Empty title="No tokens">A program that uses the API needs one: make it here.</Empty>
      ) : (
        <Table
          label="API tokens"
          columns={[...columns, actions]}
          rows={value.tokens}
          keyOf={({ id }) => id}
        />
      )}
      {adding ? (
        <NewToken
          onMade={(token) => {
            setMade(token)
            reload()
          }}
          onClose={() => setAdding(false)}
        />
      ) : null}
      {made === undefined ? null : <Made token={made} onClose={() => setMade(undefined)} />}
      {revoked === undefined ? null : (
        <Revoke token={revoked} onDone={reload} onClose={() => setRevoked(undefined)} />
      )}
    </Panel>
  )
}

const columns: readonly Column<ApiToken>[] = [
  { title: 'Token', cell: ({ name }) => <strong class="break">{plainText(name)}</strong> },
  { title: 'Of', cell: ({ owner }) => <span class="break">{plainText(owner)}</span> },
  { title: 'May', cell: ({ scopes }) => <span class="break">{scopes.join(', ')}</span> },
  {
    title: 'Last used',
    cell: ({ lastUsedAt }) =>
      lastUsedAt === undefined ? (
        'never'
      ) : (
        <>
          <Age at={lastUsedAt} /> ago
        </>
      ),
  },
  {
    title: 'Until',
    cell: ({ expiresAt }) => (expiresAt === undefined ? 'it is revoked' : <When at={expiresAt} />),
  },
]

function Made({ token, onClose }: { readonly token: string; readonly onClose: () => void }) {
  return (
    <Dialog title="The new token" onClose={onClose} small>
      <div class="dialog-body">
        <Notice kind="wait">Copy it now: it is shown this once, and kept nowhere.</Notice>
        <code class="break">{token}</code>
        <p class="muted">
          Send it as <code>Authorization: Bearer …</code>
        </p>
      </div>
    </Dialog>
  )
}

function Revoke({
  token: { id, name },
  onDone,
  onClose,
}: {
  readonly token: ApiToken
  readonly onDone: () => void
  readonly onClose: () => void
}) {
  const { api, say } = useApp()
  const revoke = async (): Promise<void> => {
    await api.ask('DELETE', `/access/tokens/${encodeURIComponent(id)}`)
    say(`${name} was revoked`)
    onDone()
  }
  return (
    <Confirm title="Revoke the token?" action="Revoke" danger onConfirm={revoke} onClose={onClose}>
      <p>
        Whatever uses <strong class="break">{plainText(name)}</strong> is refused from now on.
      </p>
    </Confirm>
  )
}
