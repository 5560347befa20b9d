/** What happens this minute. */
import type { Now } from '../../../schemas/system.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { formatCount, formatRate } from '../../format/numbers.ts'
import { formatAge } from '../../format/times.ts'
import { kinds, seriesOf, sumsOf, type Kind } from '../../model/fold-now.ts'
import { troublesOf } from '../../model/now-troubles.ts'
import { pathOf } from '../../model/places.ts'
import { Empty } from '../../parts/empty.tsx'
import { Icon } from '../../parts/icon.tsx'
import { Waiting } from '../../parts/listing.tsx'
import { Notice, ProblemNotice } from '../../parts/notice.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Status } from '../../parts/status.tsx'
import { useLoad } from '../../parts/use-load.ts'
import { Age } from '../../parts/when.tsx'
import { RateChart } from './chart.tsx'
import { Health } from './health.tsx'
import { Warnings } from './warnings.tsx'
import { LiveStream } from './live-stream.tsx'
import { useLive } from './use-live.ts'

export function NowPage() {
  const { api } = useApp()
  const live = useLive()
  const first = useLoad('now', (signal) => api.ask<Now>('GET', '/now', { signal }))
  const now = live.now ?? first.value
  return (
    <Page title="Now">
      <div class="stack">
        <ProblemNotice error={now === undefined ? first.error : undefined} />
        {now === undefined ? <Waiting loading={first.loading} /> : <Figures now={now} />}
        <Warnings />
        {now === undefined ? null : (
          <Panel title="Per second" flush>
            <div class="panel-body">
              <RateChart series={seriesOf(now)} />
            </div>
          </Panel>
        )}
        <div class="columns">
          <LiveStream live={live} />
          <div class="stack">
            {now === undefined ? null : <Reasons now={now} />}
            <Health />
          </div>
        </div>
      </div>
    </Page>
  )
}

const kindIcons = { accepted: 'check', deferred: 'clock', refused: 'cross', held: 'hold' } as const

function Figures({ now }: { readonly now: Now }) {
  const { counts, rates, spanMs } = sumsOf(now)
  const { queue } = now
  return (
    <>
      <dl class="figures">
        {kinds.map((kind: Kind) => (
          <div class="figure" key={kind}>
            <dt>
              <Icon name={kindIcons[kind]} />
              {kind}
            </dt>
            <dd>
              {formatRate(rates[kind])}
              <span class="sub">/s</span>
              <div class="sub">
                {formatCount(counts[kind])} in {formatAge(spanMs)}
              </div>
            </dd>
          </div>
        ))}
        <div class="figure">
          <dt>
            <Icon name="queue" />
            <a href={pathOf('queue')}>queue</a>
          </dt>
          <dd>
            {queue === undefined ? '–' : formatCount(queue.messages)}
            <div class="sub">
              {queue?.oldestAt === undefined ? (
                'nothing waits'
              ) : (
                <>
                  oldest <Age at={queue.oldestAt} />
                </>
              )}
            </div>
          </dd>
        </div>
      </dl>
      {now.stale ? (
        <Notice kind="wait">
          The trace store cannot be read at the moment: the figures are old. Mail is not affected.
        </Notice>
      ) : null}
      {troublesOf(now).map((trouble) => (
        <Notice kind="wait" key={trouble}>
          {trouble}
        </Notice>
      ))}
    </>
  )
}

const mostReasons = 12

function Reasons({ now: { reasons } }: { readonly now: Now }) {
  const shown = reasons.slice(0, mostReasons)
  const most = Math.max(1, ...shown.map(({ count }) => count))
  return (
    <Panel title="By reason" flush>
      {shown.length === 0 ? (
        <Empty title="No mail in the last minutes">
          As soon as mail comes, what it met is counted here.
        </Empty>
      ) : (
        <ul class="meters">
          {shown.map(({ outcome, reason, count }) => (
            <li class="meter" key={`${outcome} ${reason}`}>
              <span class="row">
                <Status of={outcome} />
                <a class="cell-link break" href={reasonLink(outcome, reason)}>
                  {plainText(reason) || 'no reason given'}
                </a>
              </span>
              <span>{formatCount(count)}</span>
              <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
                <rect width={(count / most) * 100} height="4" />
              </svg>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}

function reasonLink(outcome: string, reason: string): string {
  return pathOf('messages', [], { outcome, reason })
}
