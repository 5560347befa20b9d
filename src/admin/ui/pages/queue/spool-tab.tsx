/** What was set aside because its checksum does not hold, and a look at every byte of the spool. */
import { useState } from 'preact/hooks'
import type { DamagedFiles, SpoolCheck } from '../../../schemas/queue.ts'
import { useApp } from '../../app-context.ts'
import { counted, plainText } from '../../format/lines.ts'
import { formatBytes, formatCount } from '../../format/numbers.ts'
import { Empty } from '../../parts/empty.tsx'
import { Waiting } from '../../parts/listing.tsx'
import { Notice, PanelProblem, ProblemNotice } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useLoad } from '../../parts/use-load.ts'
import { When } from '../../parts/when.tsx'

export function SpoolTab() {
  const { may } = useApp()
  return (
    <div class="stack">
      {may('queue:write') ? <Check /> : null}
      <Damaged />
    </div>
  )
}

function Check() {
  const { api } = useApp()
  const [asked, setAsked] = useState(false)
  const { value, error, loading, reload } = useLoad(
    `spool check ${String(asked)}`,
    asked ? (signal) => api.ask<SpoolCheck>('POST', '/queue/check', { signal }) : undefined,
  )
  const reading = asked && loading
  return (
    <Panel
      title="Is the spool sound?"
      actions={
        <button
          type="button"
          class="button button-small"
          disabled={reading}
          onClick={asked ? reload : () => setAsked(true)}
        >
          {reading ? 'Reading …' : asked ? 'Check again' : 'Check'}
        </button>
      }
    >
      <div class="stack-tight">
        <ProblemNotice error={error} />
        {value !== undefined ? (
          <Checked check={value} />
        ) : reading ? (
          <p class="muted" role="status">
            Every byte is read: a large spool takes its time.
          </p>
        ) : error === undefined ? (
          <p class="muted">Reads every message of the spool, checksums and all; changes nothing.</p>
        ) : null}
      </div>
    </Panel>
  )
}

function Checked({ check }: { readonly check: SpoolCheck }) {
  const { messages, held, messageBytes, segments, segmentBytes, largeFiles, damage } = check
  return (
    <>
      {damage.length === 0 ? (
        <Notice kind="good">It is: every checksum holds.</Notice>
      ) : (
        <Notice kind="bad">
          <strong>{counted(damage.length, 'record')} cannot be read as written:</strong>
          <ul>
            {damage.map(({ path, position, reason, ids }) => (
              <li key={`${path} ${position}`} class="break">
                <code>
                  {plainText(path)}:{position}
                </code>{' '}
                {plainText(reason)} {plainText(ids.join(', '))}
              </li>
            ))}
          </ul>
        </Notice>
      )}
      <p class="muted">
        {counted(messages, 'message')} ({formatCount(held)} on hold), {formatBytes(messageBytes)},
        in {counted(segments, 'segment')} of {formatBytes(segmentBytes)} and{' '}
        {counted(largeFiles, 'file')} of large messages.
      </p>
    </>
  )
}

type DamagedFile = DamagedFiles['files'][number]

function Damaged() {
  const { api } = useApp()
  const { value, error, loading } = useLoad('damaged', (signal) =>
    api.ask<DamagedFiles>('GET', '/queue/damaged', { signal }),
  )
  return (
    <Panel title="Set aside because it is damaged" flush>
      <PanelProblem error={error} />
      {value === undefined ? (
        <Waiting loading={loading} />
      ) : value.files.length === 0 ? (
        <Empty title="Nothing was set aside">
          What cannot be read as it was written goes to <code>damaged/</code> in the spool, and is
          never deleted.
        </Empty>
      ) : (
        <>
          <Table
            label="Damaged records"
            columns={columns}
            rows={value.files}
            keyOf={({ path }) => path}
          />
          {value.more === 0 ? null : (
            <p class="panel-body muted">and {counted(value.more, 'file')} more</p>
          )}
        </>
      )}
    </Panel>
  )
}

const columns: readonly Column<DamagedFile>[] = [
  { title: 'File', cell: ({ path }) => <code class="break">{plainText(path)}</code> },
  {
    title: 'Why',
    cell: ({ reason, unproven }) => (
      <div class="break">
        {plainText(reason)}
        {unproven ? <div class="line-2">it was being written, and hardly promised</div> : null}
      </div>
    ),
  },
  {
    title: 'What it was',
    cell: ({ messages }) => (
      <div class="break">
        {messages.length === 0 ? <span class="muted">nothing legible</span> : null}
        {messages.map(({ id, certain, reversePath, recipients }) => (
          <div key={id}>
            <span class="mono">{plainText(id)}</span> {plainText(reversePath)} →{' '}
            {plainText(recipients.join(', '))}
            {certain ? '' : ' (as far as it is legible)'}
          </div>
        ))}
      </div>
    ),
  },
  { title: 'Since', kind: 'number', cell: ({ setAsideAt }) => <When at={setAsideAt} /> },
  { title: 'Size', kind: 'number', cell: ({ sizeBytes }) => formatBytes(sizeBytes) },
]
