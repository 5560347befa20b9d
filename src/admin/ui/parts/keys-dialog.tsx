import type { SessionView } from '../../schemas/access.ts'
import { pagesFor } from '../model/rights.ts'
import { Dialog } from './dialog.tsx'

export function KeysDialog({
  session,
  onClose,
}: {
  readonly session: SessionView
  readonly onClose: () => void
}) {
  return (
    <Dialog title="Keys" onClose={onClose} small>
      <div class="dialog-body">
        <dl class="keys">
          <dt>
            <kbd>/</kbd>
          </dt>
          <dd>search</dd>
          <dt>
            <kbd>j</kbd> <kbd>k</kbd>
          </dt>
          <dd>next row, row before; Enter opens it</dd>
          <dt>
            <kbd>Esc</kbd>
          </dt>
          <dd>leave a field, close a dialog</dd>
          {pagesFor(session.permissions).map(({ name, title, key }) => (
            <>
              <dt key={name}>
                <kbd>g</kbd> <kbd>{key}</kbd>
              </dt>
              <dd>{title}</dd>
            </>
          ))}
        </dl>
      </div>
    </Dialog>
  )
}
