/** One transaction as a picture: the stages from left to right, who said what, and who decided. */
import type { Counterfactual, TracedStep } from '../../schemas/messages.ts'
import { formatDuration } from '../format/times.ts'
import { formatScore } from '../format/numbers.ts'
import { counted, plainText } from '../format/lines.ts'
import { layoutChain, type DrawnStage, type DrawnStep } from '../model/chain-layout.ts'
import { counterfactualWords } from '../model/counterfactual-words.ts'
import { Icon } from './icon.tsx'
import { Status } from './status.tsx'

export interface Pictured {
  readonly steps: readonly TracedStep[]
  readonly stage: string
  readonly outcome: string
}

export function ChainPicture({ steps, stage, outcome }: Pictured) {
  const ended = outcome === 'refused' || outcome === 'deferred'
  return (
    <div class="chain" role="region" aria-label="Chain picture" tabIndex={0}>
      {layoutChain(steps, stage, ended).map((drawn) => (
        <Stage key={drawn.stage} drawn={drawn} />
      ))}
    </div>
  )
}

const stateWords = { passed: '', ended: ', ended here', unasked: ', not asked' } as const

function Stage({
  drawn: { stage, state, telling, quiet, durationMs },
}: {
  readonly drawn: DrawnStage
}) {
  return (
    <section
      class="chain-stage"
      data-state={state}
      data-quiet={telling.length === 0 ? '' : undefined}
      aria-label={`${stage}${stateWords[state]}`}
    >
      <h3 class="chain-title">
        <span class="chain-dot" />
        {stage}
        {durationMs >= 1 ? <span class="muted nowrap"> {formatDuration(durationMs)}</span> : null}
      </h3>
      {telling.map((each) => (
        <Step key={each.step.index} drawn={each} />
      ))}
      {quiet.length === 0 ? null : <Quiet steps={quiet} />}
      {state === 'unasked' ? <p class="chain-quiet">not asked</p> : null}
      {state !== 'unasked' && telling.length + quiet.length === 0 ? (
        <p class="chain-quiet">nobody to ask</p>
      ) : null}
    </section>
  )
}

function Step({ drawn: { step, evidence, more } }: { readonly drawn: DrawnStep }) {
  const { entry, plugin, mode, verdict, reason, text, score, fault, kind, round, deciding } = step
  return (
    <article
      class="chain-step"
      data-decided={deciding ? '' : undefined}
      data-shadow={mode === 'shadow' ? '' : undefined}
    >
      {deciding ? (
        <span class="decided">
          <Icon name="star" /> This decided
        </span>
      ) : null}
      <div class="head">
        <span class="name" title={plugin === entry ? undefined : `plugin ${plugin}`}>
          {plainText(entry)}
        </span>
        <span class="ms">{formatDuration(step.durationMs)}</span>
      </div>
      <div class="row">
        <Status of={verdict} would={mode === 'shadow'} />
        {score === undefined ? null : <span class="nowrap">score {formatScore(score)}</span>}
        {round > 0 ? <span class="muted nowrap">recipient {round}</span> : null}
        {kind === 'asked' ? null : <span class="muted">{kind}</span>}
      </div>
      {reason === undefined ? null : <code class="break">{plainText(reason)}</code>}
      {text === undefined ? null : <p class="why">“{plainText(text)}”</p>}
      {fault === undefined ? null : (
        <p class="why">
          <Status of="failed" /> {plainText(`${fault.kind}: ${fault.detail}`)}
        </p>
      )}
      {evidence.length === 0 ? null : (
        <dl class="evidence">
          {evidence.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      {more === 0 ? null : <p class="why muted">{counted(more, 'fact')} more in the raw record</p>}
    </article>
  )
}

function Quiet({ steps }: { readonly steps: readonly TracedStep[] }) {
  return (
    <details class="chain-quiet">
      <summary>{counted(steps.length, 'plain pass', 'plain passes')}</summary>
      <ul>
        {steps.map(({ index, entry, durationMs }) => (
          <li key={index}>
            <span>{plainText(entry)}</span>
            <span class="nowrap">{formatDuration(durationMs)}</span>
          </li>
        ))}
      </ul>
    </details>
  )
}

/** What would have been said without each of those who decided. */
export function Counterfactuals({ all }: { readonly all: readonly Counterfactual[] }) {
  return (
    <dl class="facts">
      {all.map((each) => (
        <>
          <dt key={each.without}>Without {plainText(each.without)}</dt>
          <dd>{plainText(counterfactualWords(each))}</dd>
        </>
      ))}
    </dl>
  )
}
