/** One held message, as text: nothing of it can act, and nothing in the world is asked for it. */
import type { HeldDetails } from '../../../schemas/quarantine.ts'
import { useApp } from '../../app-context.ts'
import { urlOf } from '../../browser/api-client.ts'
import { plainText } from '../../format/lines.ts'
import { formatBytes, formatScore } from '../../format/numbers.ts'
import { evidenceText } from '../../model/chain-layout.ts'
import { pathOf } from '../../model/places.ts'
import { Waiting } from '../../parts/listing.tsx'
import { ProblemNotice } from '../../parts/notice.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useLoad } from '../../parts/use-load.ts'
import { When } from '../../parts/when.tsx'
import { deciding, HeldActions } from './held-actions.tsx'

export function HeldPage({ id }: { readonly id: string }) {
  const { api, navigation } = useApp()
  const { value, error, loading, reload } = useLoad(`held ${id}`, (signal) =>
    api.ask<HeldDetails>('GET', `/quarantine/${encodeURIComponent(id)}`, { signal }),
  )
  return (
    <Page
      title="Held message"
      above={<a href={pathOf('quarantine')}>Quarantine</a>}
      actions={
        value === undefined ? null : (
          <HeldActions
            ids={[id]}
            mayRelease={value.mayRelease}
            only={deciding}
            onDone={(action) => {
              if (action === 'release' || action === 'delete') navigation.go(pathOf('quarantine'))
              else reload()
            }}
          />
        )
      }
    >
      <ProblemNotice error={error} />
      {value === undefined ? <Waiting loading={loading} /> : <Held message={value} />}
    </Page>
  )
}

function Held({ message }: { readonly message: HeldDetails }) {
  const { may } = useApp()
  const evidence = Object.entries(message.evidence)
  return (
    <div class="stack">
      <Panel>
        <dl class="facts">
          <dt>Subject</dt>
          <dd>
            <strong>{plainText(message.subject) || 'No subject'}</strong>
          </dd>
          <dt>Sender</dt>
          <dd>{plainText(message.reversePath)}</dd>
          <dt>For</dt>
          <dd>{plainText(message.recipients.join(', '))}</dd>
          <dt>Held because</dt>
          <dd>
            {plainText(message.reason)}
            {message.entry === undefined ? '' : ` (by ${plainText(message.entry)})`}
            {message.score === undefined || message.score === 0
              ? ''
              : `, score ${formatScore(message.score)}`}
          </dd>
          {evidence.map(([name, value]) => (
            <>
              <dt key={name}>{plainText(name)}</dt>
              <dd class="mono">{evidenceText(value)}</dd>
            </>
          ))}
          <dt>Came</dt>
          <dd>
            <When at={message.receivedAt} />, {formatBytes(message.sizeBytes)}
            {may('messages:read') ? (
              <>
                {' · '}
                <a href={pathOf('messages', [message.transaction])}>how it was decided</a>
              </>
            ) : null}
          </dd>
          {message.siblings.length === 0 ? null : (
            <>
              <dt>Also held for</dt>
              <dd>
                {message.siblings.map(({ id, recipients }) => (
                  <a key={id} class="break" href={pathOf('quarantine', [id])}>
                    {plainText(recipients.join(', '))}{' '}
                  </a>
                ))}
              </dd>
            </>
          )}
        </dl>
      </Panel>
      <Panel title="Text" actions={may('quarantine:raw') ? <TakeHome message={message} /> : null}>
        <div class="stack-tight">
          {message.text === undefined ? (
            <p class="muted">It has no text part.</p>
          ) : (
            <pre class="preview" tabIndex={0} role="region" aria-label="Text of the message">
              {plainText(message.text)}
            </pre>
          )}
          <p class="muted">
            {message.textFrom === 'html'
              ? 'Reduced to text from HTML: pictures are not fetched, links do nothing. '
              : ''}
            {message.textCut ? 'The text goes on; save the file to read it all.' : ''}
          </p>
        </div>
      </Panel>
      {message.attachments.length === 0 ? null : (
        <Panel title="Attachments" flush>
          <Table
            label="Attachments"
            columns={attachmentColumns}
            rows={message.attachments}
            keyOf={({ part }) => part}
          />
        </Panel>
      )}
      <details class="panel">
        <summary class="panel-head">Header</summary>
        <dl class="facts panel-body">
          {message.headers.map(({ name, value }, index) => (
            <>
              <dt key={index}>{plainText(name)}</dt>
              <dd class="mono">{plainText(value)}</dd>
            </>
          ))}
        </dl>
      </details>
    </div>
  )
}

/** With all that is in it. */
function TakeHome({ message: { id, mayRelease } }: { readonly message: HeldDetails }) {
  return (
    <>
      <HeldActions
        small
        ids={[id]}
        mayRelease={mayRelease}
        only={['copy']}
        onDone={() => undefined}
      />
      <a
        class="button button-small"
        href={urlOf(`/quarantine/${encodeURIComponent(id)}/raw`)}
        download={`${id}.eml`}
      >
        Save as file
      </a>
    </>
  )
}

const attachmentColumns: readonly Column<HeldDetails['attachments'][number]>[] = [
  { title: 'Name', cell: ({ name }) => <span class="break">{plainText(name ?? 'no name')}</span> },
  { title: 'Type', cell: ({ type }) => <code class="break">{plainText(type)}</code> },
  { title: 'Size', kind: 'number', cell: ({ sizeBytes }) => formatBytes(sizeBytes) },
]
