import type { ComponentChildren } from 'preact'

export interface Column<R> {
  /** Empty: the cell needs none, such as a row's buttons. */
  readonly title: string
  readonly cell: (row: R) => ComponentChildren
  readonly kind?: 'number'
}

/**
 * Rows of facts. On a phone each row becomes a card; roles are said out loud because `display: block` takes them
 * from a table. The keys j and k move from row to row.
 */
export function Table<R>({
  label,
  columns,
  rows,
  keyOf,
  rowClass,
}: {
  readonly label: string
  readonly columns: readonly Column<R>[]
  readonly rows: readonly R[]
  readonly keyOf: (row: R) => string
  readonly rowClass?: (row: R) => string | undefined
}) {
  return (
    <div class="table-frame">
      <table class="table" role="table" aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(({ title, kind }, index) => (
              <th key={index} role="columnheader" scope="col" class={kind}>
                {title === '' ? <span class="sr-only">Actions</span> : title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={keyOf(row)} role="row" data-row class={rowClass?.(row)}>
              {columns.map(({ title, cell, kind }, index) => (
                <td key={index} role="cell" data-label={title} class={kind}>
                  <div>{cell(row)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
