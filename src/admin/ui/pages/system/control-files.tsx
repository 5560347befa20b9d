/** What stands in the control folder, what holds where nothing does, and who reads it: `postern showctl`. */
import { useState } from 'preact/hooks'
import type { CompiledFiles, ControlFiles as Shown } from '../../../schemas/maintenance.ts'
import { useApp } from '../../app-context.ts'
import { counted, plainText } from '../../format/lines.ts'
import { formatBytes } from '../../format/numbers.ts'
import { Empty } from '../../parts/empty.tsx'
import { CheckField } from '../../parts/fields.tsx'
import { Waiting } from '../../parts/listing.tsx'
import { Notice, ProblemNotice } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useLoad } from '../../parts/use-load.ts'

type ControlFile = Shown['files'][number]

export function ControlFiles() {
  const { api } = useApp()
  const { value, error, loading, reload } = useLoad('control files', (signal) =>
    api.ask<Shown>('GET', '/configuration/control', { signal }),
  )
  const [all, setAll] = useState(false)
  const rows = value?.files.filter(({ there }) => all || there) ?? []
  return (
    <div class="stack">
      <ProblemNotice error={error} />
      {value === undefined ? (
        <Waiting loading={loading} />
      ) : (
        <>
          {value.stale.length === 0 ? null : <Stale stale={value.stale} onDone={reload} />}
          {value.unknown.length === 0 ? null : (
            <Notice kind="wait">
              Nobody knows what these are for:{' '}
              <code class="break">{value.unknown.map(plainText).join(', ')}</code>
            </Notice>
          )}
          <Panel
            title="Control files"
            flush
            actions={
              <CheckField label="Those that are not there, too" checked={all} onCheck={setAll} />
            }
          >
            {rows.length === 0 ? (
              <Empty title="There are no control files">
                What holds then are the defaults; show those that are not there.
              </Empty>
            ) : (
              <Table
                label="Control files"
                columns={columns}
                rows={rows}
                keyOf={({ name }) => name}
                rowClass={({ there }) => (there ? undefined : 'entry-off')}
              />
            )}
          </Panel>
        </>
      )}
    </div>
  )
}

function Stale({ stale, onDone }: { readonly stale: Shown['stale']; readonly onDone: () => void }) {
  const { api, may, say } = useApp()
  const [problem, setProblem] = useState<unknown>()
  const rebuild = (): void => {
    setProblem(undefined)
    api.ask<CompiledFiles>('POST', '/configuration/compile', { body: {} }).then(({ files }) => {
      const broken = files.filter(({ state }) => state === 'broken')
      say(
        [
          `${counted(files.filter(({ made }) => made).length, 'file')} rebuilt`,
          ...broken.map(({ text }) => `${text} has mistakes, and its cdb stays`),
        ].join('; '),
      )
      onDone()
    }, setProblem)
  }
  return (
    <Notice kind="wait">
      <div class="stack-tight">
        {stale.map(({ text, cdb, why }) => (
          <div key={cdb} class="break">
            <code>{plainText(cdb)}</code> is not what <code>{plainText(text)}</code> says:{' '}
            {plainText(why)}
          </div>
        ))}
        {may('configuration:write') ? (
          <div>
            <button type="button" class="button button-small" onClick={rebuild}>
              Rebuild
            </button>
          </div>
        ) : null}
        <ProblemNotice error={problem} />
      </div>
    </Notice>
  )
}

const mostLines = 5

const columns: readonly Column<ControlFile>[] = [
  {
    title: 'File',
    cell: ({ name, meaning }) => (
      <div>
        <code>{plainText(name)}</code>
        <div class="line-2">{plainText(meaning)}</div>
      </div>
    ),
  },
  {
    title: 'Holds',
    cell: ({ value, sizeBytes, there, problem }) => (
      <div>
        {problem === undefined ? null : <div class="wrong break">{plainText(problem)}</div>}
        {value.slice(0, mostLines).map((line, index) => (
          <div key={index} class="mono break">
            {plainText(line)}
          </div>
        ))}
        {value.length > mostLines ? (
          <div class="line-2">and {counted(value.length - mostLines, 'line')} more</div>
        ) : null}
        {sizeBytes === undefined ? null : formatBytes(sizeBytes)}
        {there || value.length === 0 ? null : <div class="line-2">the default</div>}
      </div>
    ),
  },
  {
    title: 'Read by',
    cell: ({ postern, unread, qmail }) => (
      <div class="break">
        {plainText(postern ?? 'nobody')}
        {unread === undefined ? null : <div class="line-2">{plainText(unread)}</div>}
        {postern === undefined && qmail !== '' ? (
          <div class="line-2">qmail: {plainText(qmail)}</div>
        ) : null}
      </div>
    ),
  },
]
