import type { Reception } from '../../../schemas/maintenance.ts'
import type { System } from '../../../schemas/system.ts'
import type { Check } from '../../../schemas/shapes.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { formatBytes, formatCount, formatShare } from '../../format/numbers.ts'
import { CheckNotice } from '../../parts/check-notice.tsx'
import { Waiting } from '../../parts/listing.tsx'
import { Notice, ProblemNotice } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { ReceptionNotice } from '../../parts/reception-notice.tsx'
import { useLoad } from '../../parts/use-load.ts'
import { Age } from '../../parts/when.tsx'
import { Alerts } from './alerts.tsx'
import { CertificateFacts } from './certificate-facts.tsx'
import { Doctor } from './doctor.tsx'
import { Running } from './running.tsx'

export function Overview() {
  const { api } = useApp()
  const { value, error, loading, reload } = useLoad('system', (signal) =>
    api.ask<System>('GET', '/system', { signal }),
  )
  return (
    <div class="stack">
      <ProblemNotice error={error} />
      {value === undefined ? (
        <Waiting loading={loading} />
      ) : (
        <Shown system={value} onDone={reload} />
      )}
      {value?.running === true ? <Alerts /> : null}
      <Lint />
      <Doctor />
    </div>
  )
}

function Shown({ system, onDone }: { readonly system: System; readonly onDone: () => void }) {
  const { api } = useApp()
  const { listeners, running, workers } = system
  const reception = useLoad(
    `reception ${String(running)}`,
    running ? (signal) => api.ask<Reception>('GET', '/system/reception', { signal }) : undefined,
  )
  const done = (): void => {
    reception.reload()
    onDone()
  }
  const silent = workers.filter(({ answers }) => !answers)
  return (
    <>
      {running ? null : (
        <Notice kind="bad">
          No gateway runs on this spool: mail is neither received nor delivered.
        </Notice>
      )}
      {silent.length === 0 || !running ? null : (
        <Notice kind="wait">{silent.length} workers do not answer.</Notice>
      )}
      <ReceptionNotice reception={reception.value} />
      <Panel title="Gateway" actions={<Running reception={reception.value} onDone={done} />}>
        <Facts system={system} />
      </Panel>
      <Panel title="Listeners and certificates" flush>
        <Table
          label="Listeners"
          columns={listenerColumns}
          rows={listeners}
          keyOf={({ name }) => name}
        />
      </Panel>
    </>
  )
}

function Facts({ system }: { readonly system: System }) {
  const { version, node, hostname, folder, startedAt, workers, spool, store, log } = system
  const { freeBytes, totalBytes } = spool
  return (
    <dl class="facts">
      <dt>Version</dt>
      <dd>
        Postern {plainText(version)}, Node {plainText(node)}
      </dd>
      <dt>Host</dt>
      <dd>{plainText(hostname)}</dd>
      <dt>Running</dt>
      <dd>
        {startedAt === undefined ? (
          'not known since when'
        ) : (
          <>
            for <Age at={startedAt} />
          </>
        )}
        , workers: {formatCount(workers.length)}
      </dd>
      <dt>Configuration</dt>
      <dd class="mono">{plainText(folder)}</dd>
      <dt>Spool</dt>
      <dd>
        <span class="mono">{plainText(spool.path)}</span>
        {freeBytes === undefined || totalBytes === undefined
          ? ''
          : `, ${formatBytes(freeBytes)} free (${formatShare(freeBytes, totalBytes)})`}
      </dd>
      <dt>Store</dt>
      <dd>
        <span class="mono">{plainText(store.path)}</span>
        {store.sizeBytes === undefined ? '' : `, ${formatBytes(store.sizeBytes)}`}, keeps{' '}
        {formatCount(store.traces)} traces
      </dd>
      <dt>Log</dt>
      <dd>
        level {log.level}, to <span class="mono">{plainText(log.to)}</span>
      </dd>
    </dl>
  )
}

type Listener = System['listeners'][number]

const listenerColumns: readonly Column<Listener>[] = [
  {
    title: 'Listener',
    cell: ({ name, role }) => (
      <>
        <strong>{plainText(name)}</strong> <span class="muted">{role}</span>
      </>
    ),
  },
  { title: 'Address', cell: ({ address }) => <span class="mono break">{plainText(address)}</span> },
  { title: 'TLS', cell: ({ tls }) => tls },
  {
    title: 'Certificate',
    cell: ({ certificate }) =>
      certificate === undefined ? '' : <CertificateFacts certificate={certificate} />,
  },
  {
    title: 'Connections',
    kind: 'number',
    cell: ({ maxConnections }) => `at most ${formatCount(maxConnections)}`,
  },
]

function Lint() {
  const { api, may } = useApp()
  const allowed = may('configuration:read')
  const { value, error, loading, reload } = useLoad(
    'check',
    allowed ? (signal) => api.ask<Check>('POST', '/check', { signal }) : undefined,
  )
  if (!allowed) return null
  return (
    <Panel
      title="Is the configuration sound?"
      actions={
        <button type="button" class="button button-small" disabled={loading} onClick={reload}>
          {loading ? 'Checking …' : 'Check again'}
        </button>
      }
    >
      <div class="stack-tight">
        <ProblemNotice error={error} />
        {value === undefined ? (
          <Waiting loading={loading} />
        ) : (
          <CheckNotice check={value} sound="It is: no mistakes, no doubts." />
        )}
      </div>
    </Panel>
  )
}
