/** A file of the configuration as text, written only after its diff and its check were seen. */
import { useState } from 'preact/hooks'
import type { Change, FileText, Preview } from '../../schemas/configuration.ts'
import { useApp } from '../app-context.ts'
import { TextArea } from './fields.tsx'
import { Waiting } from './listing.tsx'
import { ProblemNotice } from './notice.tsx'
import { ReviewChange } from './review-change.tsx'
import { useLoad } from './use-load.ts'

export function FileEditor({
  path,
  onDone,
  onCancel,
}: {
  readonly path: string
  readonly onDone: () => void
  readonly onCancel: () => void
}) {
  const { api } = useApp()
  const { value, error, loading } = useLoad(`file ${path}`, (signal) =>
    api.ask<FileText>('GET', '/configuration/file', { query: { path }, signal }),
  )
  return (
    <>
      <ProblemNotice error={error} />
      {value === undefined ? (
        <Waiting loading={loading} />
      ) : (
        <Editor key={path} file={value} onDone={onDone} onCancel={onCancel} />
      )}
    </>
  )
}

function Editor({
  file,
  onDone,
  onCancel,
}: {
  readonly file: FileText
  readonly onDone: () => void
  readonly onCancel: () => void
}) {
  const { api } = useApp()
  // As it was when the typing began: the file may be loaded again, after a silence, and what is typed stays.
  const [{ path, text: before, etag }] = useState(file)
  const [text, setText] = useState(before)
  const [reviewing, setReviewing] = useState(false)
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault()
        setReviewing(true)
      }}
    >
      <TextArea
        label={path}
        rows={Math.min(30, before.split('\n').length + 3)}
        value={text}
        onText={setText}
      />
      <div class="row">
        <button type="submit" class="button button-main">
          Show the diff …
        </button>
        <button type="button" class="button" onClick={onCancel}>
          Cancel
        </button>
      </div>
      {reviewing ? (
        <ReviewChange
          title={`Change ${path}`}
          preview={(signal) =>
            api.ask<Preview>('POST', '/configuration/preview', { body: { path, text }, signal })
          }
          // The text that was edited, not what another may have made of it meanwhile.
          apply={(_, note) =>
            api.ask<Change>('PUT', '/configuration/file', {
              body: note === '' ? { path, text } : { path, text, note },
              ifMatch: etag,
            })
          }
          outdated="Cancel, keep a copy of what you have typed, and edit the file as it is now."
          onDone={onDone}
          onClose={() => setReviewing(false)}
        />
      ) : null}
    </form>
  )
}
