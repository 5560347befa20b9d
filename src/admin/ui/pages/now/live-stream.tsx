import type { MessageSummary } from '../../../schemas/messages.ts'
import { plainText } from '../../format/lines.ts'
import { formatCount } from '../../format/numbers.ts'
import { pathOf } from '../../model/places.ts'
import { Empty } from '../../parts/empty.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Panel } from '../../parts/page.tsx'
import { Status } from '../../parts/status.tsx'
import { When } from '../../parts/when.tsx'
import type { Live, Passed } from './use-live.ts'

export function LiveStream({ live }: { readonly live: Live }) {
  const { lines, paused, missed, setPaused } = live
  return (
    <Panel
      title="Live"
      flush
      actions={
        <>
          <span class="muted" role="status">
            {stateWords(live)}
          </span>
          <button
            type="button"
            class="button button-small"
            aria-pressed={paused}
            onClick={() => setPaused(!paused)}
          >
            <Icon name={paused ? 'play' : 'pause'} />
            {paused ? `Go on${missed > 0 ? ` (${formatCount(missed)} missed)` : ''}` : 'Pause'}
          </button>
        </>
      }
    >
      {lines.length === 0 ? (
        <Empty title="Waiting for mail">
          Each transaction appears here as it ends. <a href={pathOf('messages')}>Messages</a> has
          those before.
        </Empty>
      ) : (
        <ul class="live" tabIndex={0} aria-label="Transactions as they end">
          {lines.map((line) =>
            'passed' in line ? <More key={line.id} line={line} /> : <Row key={line.id} of={line} />,
          )}
        </ul>
      )}
    </Panel>
  )
}

function Row({
  of: { id, endedAt, outcome, reversePath, recipients, remote, reason },
}: {
  readonly of: MessageSummary
}) {
  return (
    <li data-row>
      <When at={endedAt} />
      <Status of={outcome} />
      <span class="about">
        <a class="cell-link" href={pathOf('messages', [id])}>
          {plainText(reversePath ?? remote)}
        </a>
        {recipients[0] === undefined ? '' : ` → ${plainText(recipients[0])}`}
        {recipients.length > 1 ? ` and ${recipients.length - 1} more` : ''}
        {reason === undefined ? null : (
          <>
            {' '}
            <code>{plainText(reason)}</code>
          </>
        )}
      </span>
    </li>
  )
}

/** More than anybody reads. */
function More({ line: { passed } }: { readonly line: Passed }) {
  return (
    <li class="muted">
      <span class="about">and {formatCount(passed)} more</span>
    </li>
  )
}

function stateWords({ state, cameBack, paused }: Live): string {
  if (state === 'lost') return 'connection lost, trying again …'
  if (state === 'connecting') return 'connecting …'
  if (paused) return 'paused'
  return cameBack ? 'connected again' : 'connected'
}
