/** Before a file is written: what changes in it, whether it is sound, and why, for the history. */
import { useState } from 'preact/hooks'
import type { Change, Preview } from '../../schemas/configuration.ts'
import { useApp } from '../app-context.ts'
import { ProblemError } from '../browser/api-client.ts'
import { plainText } from '../format/lines.ts'
import { CheckNotice } from './check-notice.tsx'
import { Dialog } from './dialog.tsx'
import { Diff } from './diff.tsx'
import { TextField } from './fields.tsx'
import { Waiting } from './listing.tsx'
import { Notice, ProblemNotice } from './notice.tsx'
import { useLoad } from './use-load.ts'

/** HTTP's word for it. */
const changedMeanwhile = 412

export function ReviewChange({
  title,
  preview,
  apply,
  outdated,
  onDone,
  onClose,
}: {
  readonly title: string
  readonly preview: (signal: AbortSignal) => Promise<Preview>
  /** @param etag of the text that the preview was made from */
  readonly apply: (etag: string, note: string) => Promise<Change>
  /** What to do where somebody else was faster; where nothing is said, the change is shown on what they made. */
  readonly outdated?: string
  readonly onDone: (change: Change) => void
  readonly onClose: () => void
}) {
  const { say } = useApp()
  const { value, error, loading, reload } = useLoad(`preview ${title}`, preview)
  const [note, setNote] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<unknown>()
  const write = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (value === undefined) return
    setBusy(true)
    setProblem(undefined)
    try {
      const change = await apply(value.etag, note.trim())
      say(`${plainText(change.path)} was written; new sessions follow it`)
      onDone(change)
      onClose()
    } catch (failure) {
      setProblem(failure)
      setBusy(false)
    }
  }
  const isLate = problem instanceof ProblemError && problem.problem.status === changedMeanwhile
  const lookAgain = (): void => {
    setProblem(undefined)
    reload()
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={(event) => void write(event)}>
        <div class="dialog-body">
          <ProblemNotice error={error} />
          {value === undefined ? <Waiting loading={loading} /> : <Previewed preview={value} />}
          {value?.changed === true && value.sound ? (
            <TextField label="Why, for the history" hint="Optional" value={note} onText={setNote} />
          ) : null}
          <ProblemNotice error={problem} />
          {!isLate ? null : outdated === undefined ? (
            <p>
              <button type="button" class="button" onClick={lookAgain}>
                Show it on what is there now
              </button>
            </p>
          ) : (
            <p>{outdated}</p>
          )}
        </div>
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            class="button button-main"
            disabled={busy || isLate || loading || value?.sound !== true || !value.changed}
          >
            {busy ? 'Writing …' : 'Write it'}
          </button>
        </div>
      </form>
    </Dialog>
  )
}

function Previewed({
  preview: { path, changed, diff, check, sound },
}: {
  readonly preview: Preview
}) {
  if (!changed) return <Notice>Nothing changes: {plainText(path)} says this already.</Notice>
  return (
    <>
      <p>
        <code>{plainText(path)}</code> changes so:
      </p>
      <Diff text={diff} />
      {sound ? null : (
        <Notice kind="bad" role="alert">
          <strong>With this the configuration would not load; it is not written.</strong>
        </Notice>
      )}
      <CheckNotice check={check} sound="Checked: the configuration is sound with it." />
    </>
  )
}
