import { plainText } from '../format/lines.ts'
import { diffLines } from '../model/diff-lines.ts'

/** A unified diff. The signs stay in front of the lines: the colour is not all there is. */
export function Diff({ text }: { readonly text: string }) {
  return (
    <div class="diff" tabIndex={0} role="region" aria-label="What changes">
      <pre>
        {diffLines(text).map(({ kind, line }, index) => (
          <span key={index} class={kind}>
            {plainText(line) || ' '}
          </span>
        ))}
      </pre>
    </div>
  )
}
