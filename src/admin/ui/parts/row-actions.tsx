import { plainText } from '../format/lines.ts'
import type { Column } from './table.tsx'

/** Which dialog is open over a list whose rows are added, changed and removed. */
export type OpenOver<R> =
  | { readonly what: 'new' }
  | { readonly what: 'change' | 'remove'; readonly row: R }

/** The buttons of a row, each with its name for those who hear it only. */
export function rowActions<R>(
  nameOf: (row: R) => string,
  open: (over: OpenOver<R>) => void,
): Column<R> {
  return {
    title: '',
    cell: (row) => (
      <div class="actions">
        <button
          type="button"
          class="button button-small"
          onClick={() => open({ what: 'change', row })}
        >
          Change<span class="sr-only"> {plainText(nameOf(row))}</span>
        </button>
        <button
          type="button"
          class="button button-small button-danger"
          onClick={() => open({ what: 'remove', row })}
        >
          Remove<span class="sr-only"> {plainText(nameOf(row))}</span>
        </button>
      </div>
    ),
  }
}
