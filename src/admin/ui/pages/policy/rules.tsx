/** The rules of tcp.smtp, with a tester: type an address, see the environment and why. */
import { useState } from 'preact/hooks'
import type { TcpRules } from '../../../schemas/policy.ts'
import { useApp } from '../../app-context.ts'
import { counted, plainText } from '../../format/lines.ts'
import { Empty } from '../../parts/empty.tsx'
import { FileEditor } from '../../parts/file-editor.tsx'
import { Waiting } from '../../parts/listing.tsx'
import { ProblemNotice } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { Status } from '../../parts/status.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useLoad } from '../../parts/use-load.ts'
import { RuleTester } from './rule-tester.tsx'
import { Variables } from './variables.tsx'

export function Rules() {
  const { api, may } = useApp()
  const { value, error, loading, reload } = useLoad('rules', (signal) =>
    api.ask<TcpRules>('GET', '/policy/rules', { signal }),
  )
  const [editing, setEditing] = useState(false)
  const editable = value?.path !== undefined && may('configuration:write')
  return (
    <div class="stack">
      <RuleTester />
      <ProblemNotice error={error} />
      {value === undefined ? (
        <Waiting loading={loading} />
      ) : (
        <Panel
          title={`Rules of ${value.file}`}
          flush
          actions={
            editable && !editing ? (
              <button type="button" class="button" onClick={() => setEditing(true)}>
                Edit the file
              </button>
            ) : null
          }
        >
          {editing && value.path !== undefined ? (
            <div class="panel-body">
              <FileEditor
                path={value.path}
                onDone={() => {
                  setEditing(false)
                  reload()
                }}
                onCancel={() => setEditing(false)}
              />
            </div>
          ) : value.rules.length === 0 ? (
            <Empty title="There are no rules">
              Everybody may connect, nobody relays. One line of tcp.smtp is one rule:{' '}
              <code>192.0.2.:allow,RELAYCLIENT=""</code>
            </Empty>
          ) : (
            <>
              <Table
                label="Rules"
                columns={columns}
                rows={value.rules.map((rule, index) => ({ ...rule, index }))}
                keyOf={({ index }) => String(index)}
              />
              {value.more === 0 ? null : (
                <p class="panel-body muted">and {counted(value.more, 'rule')} more</p>
              )}
            </>
          )}
        </Panel>
      )}
      <Variables />
    </div>
  )
}

const columns: readonly Column<TcpRules['rules'][number]>[] = [
  {
    title: 'Client',
    cell: ({ address }) => (
      <strong class="break">{address === '' ? 'everybody else' : plainText(address)}</strong>
    ),
  },
  { title: 'Rule', cell: ({ action }) => <Status of={action} /> },
  {
    title: 'Environment',
    cell: ({ variables }) => (
      <div class="break mono">
        {variables.map(({ name, value }) => (
          <div key={name}>{plainText(`${name}="${value}"`)}</div>
        ))}
      </div>
    ),
  },
  { title: 'Line', kind: 'number', cell: ({ line }) => (line === undefined ? '' : String(line)) },
]
