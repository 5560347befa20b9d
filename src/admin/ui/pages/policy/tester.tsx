import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { PanelProblem } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'

/** A question to the policy, and below it the answer. */
export function Tester<R>({
  title,
  ask,
  fields,
  children: show,
}: {
  readonly title: string
  readonly ask: () => Promise<R>
  readonly fields: ComponentChildren
  readonly children: (result: R) => ComponentChildren
}) {
  const [result, setResult] = useState<R | undefined>()
  const [error, setError] = useState<unknown>()
  const test = async (event: Event): Promise<void> => {
    event.preventDefault()
    setError(undefined)
    try {
      setResult(await ask())
    } catch (problem) {
      setResult(undefined)
      setError(problem)
    }
  }
  return (
    <Panel title={title} flush>
      <form class="filters" onSubmit={(event) => void test(event)}>
        {fields}
        <div class="row">
          <button type="submit" class="button button-main">
            Test
          </button>
        </div>
      </form>
      <div aria-live="polite">
        <PanelProblem error={error} />
        {result === undefined ? null : show(result)}
      </div>
    </Panel>
  )
}
