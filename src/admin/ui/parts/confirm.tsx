import type { ComponentChildren } from 'preact'
import { useApp } from '../app-context.ts'
import { FormDialog } from './form-dialog.tsx'

/** Asks before something is done. */
export function Confirm({
  onConfirm,
  ...asked
}: {
  readonly title: string
  /** What the button says: a verb. */
  readonly action: string
  readonly danger?: boolean
  readonly ready?: boolean
  readonly onConfirm: () => Promise<void>
  readonly onClose: () => void
  readonly children: ComponentChildren
}) {
  return <FormDialog {...asked} onSubmit={onConfirm} />
}

/** Asks before something is removed by the API, and says that it was. */
export function ConfirmRemoval({
  what,
  name,
  path,
  onDone,
  onClose,
  children,
}: {
  readonly what: string
  readonly name: string
  /** Of the one that goes, in the API. */
  readonly path: string
  readonly onDone: () => void
  readonly onClose: () => void
  /** What goes with it. */
  readonly children: ComponentChildren
}) {
  const { api, say } = useApp()
  const remove = async (): Promise<void> => {
    await api.ask('DELETE', path)
    say(`${name} was removed`)
    onDone()
  }
  return (
    <Confirm
      title={`Remove the ${what}?`}
      action="Remove"
      danger
      onConfirm={remove}
      onClose={onClose}
    >
      <p>{children}</p>
    </Confirm>
  )
}
