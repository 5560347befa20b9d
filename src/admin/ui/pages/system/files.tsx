/** The one truth: the files. Each is edited as text, after its diff and its check. */
import { useState } from 'preact/hooks'
import type { ConfigurationFile, ConfigurationFiles } from '../../../schemas/configuration.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { formatBytes } from '../../format/numbers.ts'
import { Empty } from '../../parts/empty.tsx'
import { FileEditor } from '../../parts/file-editor.tsx'
import { History } from '../../parts/history.tsx'
import { Waiting } from '../../parts/listing.tsx'
import { ProblemNotice } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useLoad } from '../../parts/use-load.ts'
import { When } from '../../parts/when.tsx'

export function Files() {
  const { api, may } = useApp()
  const { value, error, loading, reload } = useLoad('files', (signal) =>
    api.ask<ConfigurationFiles>('GET', '/configuration/files', { signal }),
  )
  const [edited, setEdited] = useState<string | undefined>()
  const actions: Column<ConfigurationFile> = {
    title: '',
    cell: ({ path, editable, secret }) => (
      <div class="actions">
        {secret ? <span class="muted">secret: never shown</span> : null}
        {editable && !secret ? (
          <button type="button" class="button button-small" onClick={() => setEdited(path)}>
            Edit<span class="sr-only"> {plainText(path)}</span>
          </button>
        ) : null}
      </div>
    ),
  }
  if (edited !== undefined) {
    return (
      <Panel title="Edit">
        <FileEditor
          path={edited}
          onDone={() => {
            setEdited(undefined)
            reload()
          }}
          onCancel={() => setEdited(undefined)}
        />
      </Panel>
    )
  }
  return (
    <div class="stack">
      <ProblemNotice error={error} />
      {value === undefined ? (
        <Waiting loading={loading} />
      ) : (
        <Panel title="Files" flush>
          {value.files.length === 0 ? (
            <Empty title="The configuration folder is empty" />
          ) : (
            <Table
              label="Files"
              columns={may('configuration:write') ? [...columns, actions] : columns}
              rows={value.files}
              keyOf={({ path }) => path}
            />
          )}
        </Panel>
      )}
      <History />
    </div>
  )
}

const columns: readonly Column<ConfigurationFile>[] = [
  { title: 'File', cell: ({ path }) => <code class="break">{plainText(path)}</code> },
  { title: 'Changed', cell: ({ modifiedAt }) => <When at={modifiedAt} /> },
  { title: 'Size', kind: 'number', cell: ({ sizeBytes }) => formatBytes(sizeBytes) },
]
