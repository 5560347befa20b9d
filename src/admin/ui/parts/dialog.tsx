import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { Icon } from './icon.tsx'
import { ProblemNotice } from './notice.tsx'

/** The browser's own modal dialog: it keeps the focus inside, Esc closes it, the focus goes back. */
export function Dialog({
  title,
  onClose,
  small = false,
  children,
}: {
  readonly title: string
  readonly onClose: () => void
  readonly small?: boolean
  readonly children: ComponentChildren
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const before = document.activeElement
    dialog.current?.showModal()
    return () => {
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  return (
    <dialog
      ref={dialog}
      class={small ? 'dialog dialog-small' : 'dialog'}
      aria-labelledby={id}
      onClose={onClose}
    >
      <div class="dialog-head">
        <h2 id={id}>{title}</h2>
        <button
          type="button"
          class="button button-bare"
          aria-label="Close"
          onClick={() => dialog.current?.close()}
        >
          <Icon name="cross" />
        </button>
      </div>
      {children}
    </dialog>
  )
}

/** Asks before something that cannot be taken back; what goes wrong is shown inside. */
export function Confirm({
  title,
  action,
  danger = false,
  ready = true,
  onConfirm,
  onClose,
  children,
}: {
  readonly title: string
  /** What the button says: a verb. */
  readonly action: string
  readonly danger?: boolean
  /** Whether it can be done already. */
  readonly ready?: boolean
  readonly onConfirm: () => Promise<void>
  readonly onClose: () => void
  readonly children: ComponentChildren
}) {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const confirm = async (event: Event): Promise<void> => {
    event.preventDefault()
    setBusy(true)
    setError(undefined)
    try {
      await onConfirm()
      onClose()
    } catch (problem) {
      setError(problem)
      setBusy(false)
    }
  }
  return (
    <Dialog title={title} onClose={onClose} small>
      <form onSubmit={(event) => void confirm(event)}>
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
