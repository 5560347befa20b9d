/** The record as the API gives it. */
export function Raw({ value }: { readonly value: unknown }) {
  return (
    <details class="panel">
      <summary class="panel-head">Raw record</summary>
      <pre class="raw" tabIndex={0}>
        {JSON.stringify(value, undefined, 2)}
      </pre>
    </details>
  )
}
