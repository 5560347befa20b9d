import type { Check } from '../../schemas/shapes.ts'
import { counted, plainText } from '../format/lines.ts'
import { Notice } from './notice.tsx'

/** What `postern check` says; nothing where all is well. */
export function CheckNotice({
  check: { mistakes, doubts },
  sound,
}: {
  readonly check: Check
  /** Said where all is well. */
  readonly sound?: string
}) {
  if (mistakes.length + doubts.length === 0) {
    return sound === undefined ? null : <Notice kind="good">{sound}</Notice>
  }
  return (
    <>
      {mistakes.length === 0 ? null : (
        <Notice kind="bad">
          <strong>{counted(mistakes.length, 'mistake')}</strong>
          <Mistakes all={mistakes} />
        </Notice>
      )}
      {doubts.length === 0 ? null : (
        <Notice kind="wait">
          <details>
            <summary>{counted(doubts.length, 'doubt')}: it works, but look at this</summary>
            <Mistakes all={doubts} />
          </details>
        </Notice>
      )}
    </>
  )
}

function Mistakes({ all }: { readonly all: Check['mistakes'] }) {
  return (
    <ul>
      {all.map(({ file, line, key, problem, remedy }, index) => (
        <li key={index} class="break">
          <code>
            {plainText(file)}
            {line === undefined ? '' : `:${line}`}
          </code>{' '}
          {key === undefined ? '' : `${plainText(key)} `}
          {plainText(problem)}. <span class="muted">{plainText(remedy)}</span>
        </li>
      ))}
    </ul>
  )
}
