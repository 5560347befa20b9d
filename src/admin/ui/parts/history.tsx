/** Who changed what and when, with the way back. */
import { useState } from 'preact/hooks'
import type {
  Change,
  FileText,
  HistoryDetails,
  HistoryItem,
  HistoryPage,
} from '../../schemas/configuration.ts'
import { useApp } from '../app-context.ts'
import { plainText } from '../format/lines.ts'
import { Confirm } from './confirm.tsx'
import { Dialog } from './dialog.tsx'
import { Diff } from './diff.tsx'
import { Empty } from './empty.tsx'
import { Listing, Waiting } from './listing.tsx'
import { ProblemNotice } from './notice.tsx'
import { Panel } from './page.tsx'
import { Table, type Column } from './table.tsx'
import { useLoad } from './use-load.ts'
import { usePages } from './use-pages.ts'
import { When } from './when.tsx'

/** @param path of one file; absent: all of them */
export function History({ path }: { readonly path?: string }) {
  const { api, may } = useApp()
  const pages = usePages<HistoryItem>(`history ${path ?? ''}`, (cursor, signal) =>
    api.ask<HistoryPage>('GET', '/configuration/history', {
      query: { path, cursor },
      ...(signal === undefined ? {} : { signal }),
    }),
  )
  const [seen, setSeen] = useState<string | undefined>()
  const [undone, setUndone] = useState<HistoryItem | undefined>()
  const actions: Column<HistoryItem> = {
    title: '',
    cell: (item) => (
      <div class="actions">
        <button type="button" class="button button-small" onClick={() => setSeen(item.id)}>
          Diff
        </button>
        {may('configuration:write') ? (
          <button type="button" class="button button-small" onClick={() => setUndone(item)}>
            Undo
          </button>
        ) : null}
      </div>
    ),
  }
  return (
    <Panel title="Changes" flush>
      <Listing
        pages={pages}
        empty={
          <Empty title="Nothing was changed here yet">
            Changes made on these pages and by the API are kept with who, when and why. What is
            changed with an editor is not noted here.
          </Empty>
        }
      >
        {(items) => (
          <Table
            label="Changes"
            columns={[...columns, actions]}
            rows={items}
            keyOf={({ id }) => id}
          />
        )}
      </Listing>
      {seen === undefined ? null : <Seen id={seen} onClose={() => setSeen(undefined)} />}
      {undone === undefined ? null : (
        <Undo item={undone} onDone={pages.reload} onClose={() => setUndone(undefined)} />
      )}
    </Panel>
  )
}

const columns: readonly Column<HistoryItem>[] = [
  { title: 'When', cell: ({ at }) => <When at={at} /> },
  { title: 'Who', cell: ({ by }) => <span class="break">{plainText(by)}</span> },
  { title: 'File', cell: ({ path }) => <code class="break">{plainText(path)}</code> },
  { title: 'Lines', cell: ({ added, removed }) => `+${added} −${removed}` },
  { title: 'Why', cell: ({ note }) => <span class="break">{plainText(note ?? '')}</span> },
]

function Seen({ id, onClose }: { readonly id: string; readonly onClose: () => void }) {
  const { api } = useApp()
  const { value, error, loading } = useLoad(`change ${id}`, (signal) =>
    api.ask<HistoryDetails>('GET', `/configuration/history/${encodeURIComponent(id)}`, { signal }),
  )
  return (
    <Dialog title="What was changed" onClose={onClose}>
      <div class="dialog-body">
        <ProblemNotice error={error} />
        {value === undefined ? <Waiting loading={loading} /> : <Diff text={value.diff} />}
      </div>
    </Dialog>
  )
}

function Undo({
  item: { id, path },
  onDone,
  onClose,
}: {
  readonly item: HistoryItem
  readonly onDone: () => void
  readonly onClose: () => void
}) {
  const { api, say } = useApp()
  // The text that is there now: what somebody writes while this dialog is open is not lost.
  const file = useLoad(`before undo ${id}`, (signal) =>
    api.ask<FileText>('GET', '/configuration/file', { query: { path }, signal }),
  )
  const undo = async (): Promise<void> => {
    if (file.value === undefined) return
    await api.ask<Change>('POST', `/configuration/history/${encodeURIComponent(id)}/rollback`, {
      ifMatch: file.value.etag,
    })
    say(`${plainText(path)} is as it was before`)
    onDone()
  }
  return (
    <Confirm
      title="Go back?"
      action="Go back"
      ready={file.value !== undefined}
      onConfirm={undo}
      onClose={onClose}
    >
      <p>
        <code>{plainText(path)}</code> gets the text it had before this change. Later changes of the
        same file are lost with it; the history keeps them. It is checked first, and is itself a
        change that can be undone.
      </p>
      <ProblemNotice error={file.error} />
    </Confirm>
  )
}
