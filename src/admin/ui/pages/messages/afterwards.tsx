/** What was promised, and what the courier did since. */
import type { MessageDetails } from '../../../schemas/messages.ts'
import { plainText } from '../../format/lines.ts'
import { formatScore } from '../../format/numbers.ts'
import { formatDuration } from '../../format/times.ts'
import { pathOf } from '../../model/places.ts'
import { Panel } from '../../parts/page.tsx'
import { Status } from '../../parts/status.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { When } from '../../parts/when.tsx'

type Attempt = MessageDetails['attempts'][number]

export function Afterwards({ message }: { readonly message: MessageDetails }) {
  const { queueIds, placements, attempts } = message
  if (queueIds.length === 0) return null
  return (
    <Panel title="What became of it" flush>
      <div class="panel-body">
        <dl class="facts">
          <dt>In the queue as</dt>
          <dd class="row">
            {queueIds.map((id) => (
              <a key={id} class="mono" href={pathOf('queue', [id])}>
                {id}
              </a>
            ))}
          </dd>
          {placements.map(({ disposition, recipients, reason, entry, score }, index) => (
            <>
              <dt key={index}>{dispositionWords(disposition)}</dt>
              <dd>
                {plainText(recipients.join(', '))}
                {reason === undefined ? '' : `: ${plainText(reason)}`}
                {entry === undefined ? '' : ` by ${plainText(entry)}`}
                {score === undefined || score === 0 ? '' : `, score ${formatScore(score)}`}
                {disposition === 'hold' ? (
                  <>
                    {' '}
                    <a href={pathOf('quarantine')}>to the quarantine</a>
                  </>
                ) : null}
              </dd>
            </>
          ))}
        </dl>
      </div>
      {attempts.length === 0 ? (
        <p class="panel-body muted">No delivery was tried yet.</p>
      ) : (
        <Table
          label="Tries"
          columns={columns}
          rows={attempts}
          keyOf={({ startedAt, recipient }) => `${startedAt} ${recipient}`}
        />
      )}
    </Panel>
  )
}

function dispositionWords(disposition: string): string {
  switch (disposition) {
    case 'deliver':
      return 'To be delivered'
    case 'hold':
      return 'Held'
    case 'discard':
      return 'Discarded'
    default:
      return disposition
  }
}

/** Only a try takes time; that somebody was told, or let a message go, is said of the moment. */
function tookOf({ outcome, durationMs }: Attempt): string {
  const isTry = outcome === 'delivered' || outcome === 'deferred' || outcome === 'failed'
  return isTry ? formatDuration(durationMs) : ''
}

const columns: readonly Column<Attempt>[] = [
  { title: 'When', cell: ({ startedAt }) => <When at={startedAt} /> },
  { title: 'Result', cell: ({ outcome }) => <Status of={outcome} /> },
  {
    title: 'Recipient',
    cell: ({ recipient }) => <span class="break">{plainText(recipient)}</span>,
  },
  { title: 'Way', cell: ({ route }) => <span class="break">{plainText(route)}</span> },
  {
    title: 'Reply',
    cell: ({ status, text, ledTo = [] }) => (
      <span class="break">
        {plainText(`${status} ${text}`)}
        {ledTo.map((id) => (
          <>
            {' '}
            <a key={id} class="mono" href={pathOf('messages', [id])}>
              {id}
            </a>
          </>
        ))}
      </span>
    ),
  },
  { title: 'Took', kind: 'number', cell: tookOf },
]
