import { useState } from 'preact/hooks'
import type { LogTail } from '../../../schemas/system.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { Empty } from '../../parts/empty.tsx'
import { TextField } from '../../parts/fields.tsx'
import { Waiting } from '../../parts/listing.tsx'
import { PanelProblem } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { useLoad } from '../../parts/use-load.ts'

export function LogTab() {
  const { api } = useApp()
  const { value, error, loading, reload } = useLoad('log', (signal) =>
    api.ask<LogTail>('GET', '/system/log', { query: { lines: 500 }, signal }),
  )
  const [word, setWord] = useState('')
  const lines = value?.lines.filter((line) => line.toLowerCase().includes(word.toLowerCase()))
  return (
    <Panel
      title="The last lines of the log"
      flush
      actions={
        <button type="button" class="button button-small" onClick={reload}>
          Refresh
        </button>
      }
    >
      <div class="filters">
        <TextField label="Only lines with" value={word} onText={setWord} search wide />
      </div>
      <PanelProblem error={error} />
      {lines === undefined ? (
        <Waiting loading={loading} />
      ) : lines.length === 0 ? (
        <Empty title="No lines">
          {word === '' ? 'The log is not a file that can be read here.' : 'Take the word away.'}
        </Empty>
      ) : (
        <pre class="raw" tabIndex={0} role="region" aria-label="Log">
          {lines.map(plainText).join('\n')}
        </pre>
      )}
    </Panel>
  )
}
