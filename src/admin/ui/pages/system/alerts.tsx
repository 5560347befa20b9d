/** What is wrong with the running gateway, and whether anybody is told of it. */
import { useState } from 'preact/hooks'
import type { Alerts as AlertsView } from '../../../schemas/maintenance.ts'
import { useApp } from '../../app-context.ts'
import { counted, plainText } from '../../format/lines.ts'
import { Waiting } from '../../parts/listing.tsx'
import { Notice, ProblemNotice } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useLoad } from '../../parts/use-load.ts'
import { Age } from '../../parts/when.tsx'

export function Alerts() {
  const { api, may, say } = useApp()
  const { value, error, loading, reload } = useLoad('alerts', (signal) =>
    api.ask<AlertsView>('GET', '/alerts', { signal }),
  )
  const [problem, setProblem] = useState<unknown>()
  const test = (): void => {
    setProblem(undefined)
    api.ask<AlertsView>('POST', '/alerts/test').then(({ trouble }) => {
      say(trouble === undefined ? 'A test is on its way' : `Nobody was told: ${trouble}`)
      reload()
    }, setProblem)
  }
  return (
    <Panel
      title="Alerts"
      flush
      actions={
        may('system:reload') && value?.configured === true ? (
          <button type="button" class="button button-small" onClick={test}>
            Send a test
          </button>
        ) : null
      }
    >
      {value === undefined && error === undefined ? <Waiting loading={loading} /> : null}
      {value === undefined && error === undefined ? null : (
        <div class="panel-body stack-tight">
          <ProblemNotice error={error ?? problem} />
          {value === undefined ? null : <Told alerts={value} />}
        </div>
      )}
      {value === undefined || value.active.length === 0 ? null : (
        <Table label="Alerts" columns={columns} rows={value.active} keyOf={({ key }) => key} />
      )}
    </Panel>
  )
}

function Told({
  alerts: { configured, active, untold, trouble },
}: {
  readonly alerts: AlertsView
}) {
  return (
    <>
      {configured && active.length === 0 ? <Notice kind="good">Nothing is wrong.</Notice> : null}
      {configured ? null : (
        <p class="muted">
          Nobody looks, and nobody is told when something goes wrong: name somebody in the section{' '}
          <code>alerts</code> of postern.yaml.
        </p>
      )}
      {untold === 0 ? null : (
        <Notice kind="wait">
          {counted(untold, 'notice')} could not be sent yet
          {trouble === undefined ? '.' : `: ${plainText(trouble)}`}
        </Notice>
      )}
    </>
  )
}

const columns: readonly Column<AlertsView['active'][number]>[] = [
  { title: 'Alert', cell: ({ key }) => <code class="break">{plainText(key)}</code> },
  { title: 'What', cell: ({ summary }) => <span class="break">{plainText(summary)}</span> },
  { title: 'For', kind: 'number', cell: ({ since }) => <Age at={since} /> },
]
