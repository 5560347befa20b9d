/** One entry: what it does, what it did, and its options as a form. */
import { useState } from 'preact/hooks'
import type { ChainEntryChange, ChainEntryDetails } from '../../../schemas/chain.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { formatCount } from '../../format/numbers.ts'
import { formatDuration } from '../../format/times.ts'
import { pathOf } from '../../model/places.ts'
import { Waiting } from '../../parts/listing.tsx'
import { ProblemNotice } from '../../parts/notice.tsx'
import { Page, Panel } from '../../parts/page.tsx'
import { Status } from '../../parts/status.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useLoad } from '../../parts/use-load.ts'
import { ModeButton } from './mode-button.tsx'
import { OptionForm } from './option-form.tsx'
import { ReviewEntry } from './review-entry.tsx'

export function ChainEntryPage({ name }: { readonly name: string }) {
  const { api, may } = useApp()
  const { value, error, loading, reload } = useLoad(`entry ${name}`, (signal) =>
    api.ask<ChainEntryDetails>('GET', `/chain/${encodeURIComponent(name)}`, { signal }),
  )
  return (
    <Page
      title={plainText(name)}
      above={<a href={pathOf('chain')}>Chain</a>}
      actions={
        value !== undefined && may('chain:write') ? (
          <ModeButton entry={value} onDone={reload} />
        ) : null
      }
    >
      <ProblemNotice error={error} />
      {value === undefined ? (
        <Waiting loading={loading} />
      ) : (
        <Entry key={value.etag} entry={value} onDone={reload} />
      )}
    </Page>
  )
}

function Entry({
  entry,
  onDone,
}: {
  readonly entry: ChainEntryDetails
  readonly onDone: () => void
}) {
  const [change, setChange] = useState<ChainEntryChange | undefined>()
  return (
    <div class="stack">
      <Panel>
        <Facts entry={entry} />
      </Panel>
      <Panel title="Options">
        <OptionForm entry={entry} onChange={setChange} />
      </Panel>
      {entry.variables.length === 0 ? null : (
        <Panel title="Variables that a rule of tcp.smtp may set" flush>
          <Table
            label="Variables"
            columns={variableColumns}
            rows={entry.variables}
            keyOf={({ name }) => name}
          />
        </Panel>
      )}
      {change === undefined ? null : (
        <ReviewEntry
          name={entry.name}
          title={`Change ${entry.name}`}
          change={change}
          onDone={onDone}
          onClose={() => setChange(undefined)}
        />
      )}
    </div>
  )
}

const variableColumns: readonly Column<ChainEntryDetails['variables'][number]>[] = [
  { title: 'Variable', cell: ({ name }) => <code>{name}</code> },
  { title: 'Option', cell: ({ option }) => (option === undefined ? '' : <code>{option}</code>) },
  { title: 'What it does', cell: ({ description }) => plainText(description) },
]

function Facts({ entry }: { readonly entry: ChainEntryDetails }) {
  const { description, summary, mode, stages, plugin, numbers, needs, line } = entry
  return (
    <div class="stack-tight">
      {description === undefined && summary === undefined ? null : (
        <p class="break">{plainText(description ?? summary ?? '')}</p>
      )}
      <dl class="facts">
        <dt>Mode</dt>
        <dd>
          <Status of={mode} />
        </dd>
        <dt>Plugin</dt>
        <dd>
          {plainText(plugin)}
          {line === undefined ? '' : `, postern.yaml line ${line}`}
        </dd>
        <dt>Asked at</dt>
        <dd>{stages.join(', ') || 'no stage'}</dd>
        {needs.length === 0 ? null : (
          <>
            <dt>Needs findings of</dt>
            <dd>{needs.join(', ')}</dd>
          </>
        )}
        {numbers === undefined ? null : (
          <>
            <dt>Figures</dt>
            <dd>
              asked {formatCount(numbers.asked)}, objected {formatCount(numbers.objected)}, would
              have {formatCount(numbers.would)}, faults {formatCount(numbers.faults)}
              {numbers.p50Ms === undefined || numbers.p99Ms === undefined
                ? ''
                : `; p50 ${formatDuration(numbers.p50Ms)}, p99 ${formatDuration(numbers.p99Ms)}`}
            </dd>
          </>
        )}
        {entry.breaker === undefined ? null : (
          <>
            <dt>Breaker</dt>
            <dd>{entry.breaker}</dd>
          </>
        )}
      </dl>
    </div>
  )
}
