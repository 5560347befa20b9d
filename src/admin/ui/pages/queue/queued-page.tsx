/** One queued message: its recipients, and what each was told last. */
import type { QueueDetails } from '../../../schemas/queue.ts'
import { useApp } from '../../app-context.ts'
import { urlOf } from '../../browser/api-client.ts'
import { plainText } from '../../format/lines.ts'
import { formatBytes, formatCount } from '../../format/numbers.ts'
import { pathOf } from '../../model/places.ts'
import { Waiting } from '../../parts/listing.tsx'
import { ProblemNotice } from '../../parts/notice.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Status } from '../../parts/status.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useLoad } from '../../parts/use-load.ts'
import { Age, When } from '../../parts/when.tsx'
import { QueueActions } from './queue-actions.tsx'

type Recipient = QueueDetails['recipients'][number]

export function QueuedPage({ id }: { readonly id: string }) {
  const { api, may } = useApp()
  const { value, error, loading, reload } = useLoad(`queued ${id}`, (signal) =>
    api.ask<QueueDetails>('GET', `/queue/messages/${encodeURIComponent(id)}`, { signal }),
  )
  return (
    <Page
      title="Queued message"
      above={<a href={pathOf('queue')}>Queue</a>}
      actions={
        value === undefined ? null : (
          <>
            <QueueActions
              selection={{ ids: [id] }}
              of={id}
              only={['retry', value.held ? 'release' : 'hold', 'bounce', 'delete']}
              onDone={reload}
            />
            {may('queue:raw') && (!value.quarantined || may('quarantine:raw')) ? (
              <a
                class="button"
                href={urlOf(`/queue/messages/${encodeURIComponent(id)}/raw`)}
                download={`${id}.eml`}
              >
                Save as file
              </a>
            ) : null}
          </>
        )
      }
    >
      <ProblemNotice error={error} />
      {value === undefined ? <Waiting loading={loading} /> : <Queued message={value} />}
    </Page>
  )
}

function Queued({ message }: { readonly message: QueueDetails }) {
  const { id, subject, reversePath, receivedAt, dueAt, held, reason, tries, sizeBytes } = message
  return (
    <div class="stack">
      <Panel>
        <dl class="facts">
          {subject === undefined ? null : (
            <>
              <dt>Subject</dt>
              <dd>{plainText(subject) || 'none'}</dd>
            </>
          )}
          <dt>Sender</dt>
          <dd>{plainText(reversePath)}</dd>
          <dt>Queue id</dt>
          <dd class="mono">
            {id} <a href={pathOf('messages', [], { queueId: id })}>how it was accepted</a>
          </dd>
          <dt>In the queue for</dt>
          <dd>
            <Age at={receivedAt} />, {formatCount(tries)} tries, {formatBytes(sizeBytes)}
          </dd>
          <dt>{held ? 'Held' : 'Next try'}</dt>
          <dd>
            {held ? (
              <>
                <Status of="held" /> {plainText(reason ?? '')}{' '}
                {message.quarantined ? (
                  <a href={pathOf('quarantine', [id])}>see it in the quarantine</a>
                ) : null}
              </>
            ) : (
              <When at={dueAt} />
            )}
          </dd>
        </dl>
      </Panel>
      <Panel title="Recipients" flush>
        <Table
          label="Recipients"
          columns={columns}
          rows={message.recipients}
          keyOf={({ address }) => address}
        />
        {message.moreRecipients === 0 ? null : (
          <p class="panel-body muted">and {message.moreRecipients} more</p>
        )}
      </Panel>
      {message.header === undefined ? null : (
        <details class="panel">
          <summary class="panel-head">Header as it will be delivered</summary>
          <pre class="raw" tabIndex={0}>
            {plainText(message.header.replaceAll('\r\n', '\n'))}
          </pre>
        </details>
      )}
    </div>
  )
}

const columns: readonly Column<Recipient>[] = [
  { title: 'Recipient', cell: ({ address }) => <span class="break">{plainText(address)}</span> },
  { title: 'State', cell: ({ state }) => <Status of={state} /> },
  {
    title: 'Last reply',
    cell: ({ lastReply }) =>
      lastReply === undefined ? '' : <span class="break">{plainText(lastReply)}</span>,
  },
  {
    title: 'Tries',
    kind: 'number',
    cell: ({ tries }) => (tries === undefined ? '' : formatCount(tries)),
  },
  {
    title: 'Next try',
    cell: ({ dueAt }) => (dueAt === undefined ? '' : <When at={dueAt} />),
  },
]
