import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { Dialog } from './dialog.tsx'
import { ProblemNotice } from './notice.tsx'

/** Fields in a dialog, or a question; what is wrong is shown below them, and nothing typed is lost. */
export function FormDialog({
  title,
  action,
  danger = false,
  ready = true,
  onSubmit,
  onClose,
  children,
}: {
  readonly title: string
  /** What the button says: a verb. */
  readonly action: string
  /** It cannot be taken back. */
  readonly danger?: boolean
  /** Whether it can be done already. */
  readonly ready?: boolean
  /** The dialog closes when it resolves. */
  readonly onSubmit: () => Promise<void>
  readonly onClose: () => void
  readonly children: ComponentChildren
}) {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    setBusy(true)
    setError(undefined)
    try {
      await onSubmit()
      onClose()
    } catch (problem) {
      setError(problem)
      setBusy(false)
    }
  }
  return (
    <Dialog title={title} onClose={onClose} small>
      <form onSubmit={(event) => void submit(event)}>
        <div class="dialog-body">
          {children}
          <ProblemNotice error={error} />
        </div>
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            class={danger ? 'button button-danger' : 'button button-main'}
            disabled={busy || !ready}
          >
            {busy ? 'Working …' : action}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
