/** Domains whose mail is taken and passed on: `postern relay`, with the diff of every file before it is written. */
import { useState } from 'preact/hooks'
import type { RelayChange, RelayedDomains } from '../../../schemas/policy.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { Diff } from '../../parts/diff.tsx'
import { Empty } from '../../parts/empty.tsx'
import { CheckField, TextField } from '../../parts/fields.tsx'
import { Waiting } from '../../parts/listing.tsx'
import { Notice, ProblemNotice } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useLoad } from '../../parts/use-load.ts'

type Relayed = RelayedDomains['domains'][number]

interface Wanted {
  readonly domain: string
  readonly to: string
  readonly verify: boolean
}

type Asked =
  | { readonly what: 'add'; readonly wanted: Wanted }
  | { readonly what: 'remove'; readonly domain: string }

const nothing: Wanted = { domain: '', to: '', verify: false }

export function RelayDomains() {
  const { api, may } = useApp()
  const { value, error, loading, reload } = useLoad('relay domains', (signal) =>
    api.ask<RelayedDomains>('GET', '/relay-domains', { signal }),
  )
  const [wanted, setWanted] = useState(nothing)
  const [asked, setAsked] = useState<Asked | undefined>()
  const writable = may('configuration:write')
  const actions: Column<Relayed> = {
    title: '',
    cell: ({ domain }) => (
      <div class="actions">
        <button
          type="button"
          class="button button-small button-danger"
          onClick={() => setAsked({ what: 'remove', domain })}
        >
          Remove<span class="sr-only"> {plainText(domain)}</span>
        </button>
      </div>
    ),
  }
  return (
    <div class="stack">
      {writable ? (
        <NewDomain
          wanted={wanted}
          onWanted={setWanted}
          onAsk={() => setAsked({ what: 'add', wanted })}
        />
      ) : null}
      <ProblemNotice error={error} />
      {value === undefined ? (
        <Waiting loading={loading} />
      ) : (
        <Panel title="Mail that is passed on" flush>
          {value.domains.length === 0 ? (
            <Empty title="No domain is passed on">
              A domain that stands here is taken (rcpthosts) and goes to a host of its own
              (smtproutes).
            </Empty>
          ) : (
            <Table
              label="Domains that are passed on"
              columns={writable ? [...columns, actions] : columns}
              rows={value.domains}
              keyOf={({ domain }) => domain}
            />
          )}
        </Panel>
      )}
      {asked === undefined ? null : (
        <Review
          asked={asked}
          onDone={() => {
            if (asked.what === 'add') setWanted(nothing)
            reload()
          }}
          onClose={() => setAsked(undefined)}
        />
      )}
    </div>
  )
}

function NewDomain({
  wanted,
  onWanted,
  onAsk,
}: {
  readonly wanted: Wanted
  readonly onWanted: (wanted: Wanted) => void
  readonly onAsk: () => void
}) {
  return (
    <Panel title="Pass a domain on, or change where to" flush>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault()
          onAsk()
        }}
      >
        <TextField
          label="Domain"
          placeholder="example.org"
          value={wanted.domain}
          onText={(domain) => onWanted({ ...wanted, domain })}
          required
          wide
        />
        <TextField
          label="Goes to"
          placeholder="mail.example.org:25"
          value={wanted.to}
          onText={(to) => onWanted({ ...wanted, to })}
          required
          wide
        />
        <CheckField
          label="Check recipients"
          checked={wanted.verify}
          onCheck={(verify) => onWanted({ ...wanted, verify })}
        />
        <div class="row">
          <button type="submit" class="button button-main">
            Show the diff …
          </button>
        </div>
      </form>
    </Panel>
  )
}

function Review({
  asked,
  onDone,
  onClose,
}: {
  readonly asked: Asked
  readonly onDone: () => void
  readonly onClose: () => void
}) {
  const { api, say } = useApp()
  const domain = asked.what === 'add' ? asked.wanted.domain.trim() : asked.domain
  const send = (dryRun: boolean, signal?: AbortSignal): Promise<RelayChange> => {
    const until = signal === undefined ? {} : { signal }
    if (asked.what === 'remove') {
      const path = `/relay-domains/${encodeURIComponent(domain)}`
      return api.ask<RelayChange>('DELETE', path, { query: { dryRun }, ...until })
    }
    const { to, verify } = asked.wanted
    const body = { domain, to: to.trim(), verify, dryRun }
    return api.ask<RelayChange>('POST', '/relay-domains', { body, ...until })
  }
  const plan = useLoad(`relay ${JSON.stringify(asked)}`, (signal) => send(true, signal))
  const changes = plan.value?.changes
  const write = async (): Promise<void> => {
    await send(false)
    say(
      asked.what === 'add'
        ? `${domain} is passed on`
        : `${domain} is neither taken nor passed on any more`,
    )
    onDone()
  }
  return (
    <Confirm
      title={asked.what === 'add' ? `Pass ${domain} on?` : `Pass ${domain} on no more?`}
      action={asked.what === 'add' ? 'Write it' : 'Remove it'}
      danger={asked.what === 'remove'}
      ready={changes !== undefined && changes.length > 0}
      onConfirm={write}
      onClose={onClose}
    >
      <ProblemNotice error={plan.error} />
      {changes === undefined ? <Waiting loading={plan.loading} /> : null}
      {changes?.length === 0 ? <Notice>Nothing changes: the files say this already.</Notice> : null}
      {changes?.map(({ path, diff }) => (
        <div key={path} class="stack-tight">
          <code class="break">{plainText(path)}</code>
          {diff === '' ? (
            <p class="muted">It may hold logins, so its lines are not shown.</p>
          ) : (
            <Diff text={diff} />
          )}
        </div>
      ))}
    </Confirm>
  )
}

const columns: readonly Column<Relayed>[] = [
  { title: 'Domain', cell: ({ domain }) => <strong class="break">{plainText(domain)}</strong> },
  {
    title: 'Goes to',
    cell: ({ to, login }) => (
      <span class="break">
        {to === '' ? 'its mail exchangers' : plainText(to)}
        {login ? <span class="muted"> with a login</span> : null}
      </span>
    ),
  },
  {
    title: 'Taken',
    cell: ({ accepted }) => (accepted ? 'yes' : 'no: it does not stand in rcpthosts'),
  },
  {
    title: 'Recipients',
    cell: ({ verifiedBy }) =>
      verifiedBy === undefined ? '' : <span class="break">asked at {plainText(verifiedBy)}</span>,
  },
]
