import { useState } from 'preact/hooks'
import type { ListTest, ListTestResult } from '../../../schemas/policy.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { TextField } from '../../parts/fields.tsx'
import { ProblemNotice } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { Status } from '../../parts/status.tsx'

export function ListTester() {
  const { api } = useApp()
  const [asked, setAsked] = useState({ client: '', sender: '', to: '' })
  const [result, setResult] = useState<ListTestResult | undefined>()
  const [error, setError] = useState<unknown>()
  const test = async (event: Event): Promise<void> => {
    event.preventDefault()
    setError(undefined)
    const body: ListTest = {
      ...Object.fromEntries(
        Object.entries(asked).flatMap(([name, value]) =>
          value.trim() === '' ? [] : [[name, value.trim()]],
        ),
      ),
      proven: true,
    }
    try {
      setResult(await api.ask<ListTestResult>('POST', '/policy/lists/test', { body }))
    } catch (problem) {
      setResult(undefined)
      setError(problem)
    }
  }
  const bind = (name: keyof typeof asked) => ({
    value: asked[name],
    onText: (text: string) => setAsked({ ...asked, [name]: text }),
  })
  return (
    <Panel title="What do the lists say?" flush>
      <form class="filters" onSubmit={(event) => void test(event)}>
        <TextField label="Client address" placeholder="192.0.2.7" search {...bind('client')} />
        <TextField label="Sender" placeholder="ann@example.org" {...bind('sender')} />
        <TextField label="Recipient" placeholder="bob@example.net" {...bind('to')} />
        <div class="row">
          <button type="submit" class="button button-main">
            Test
          </button>
        </div>
      </form>
      <div aria-live="polite">
        {error === undefined ? null : (
          <div class="panel-body">
            <ProblemNotice error={error} />
          </div>
        )}
        {result === undefined ? null : (
          <p class="panel-body row">
            <Status of={result.says} />
            {result.rule === undefined ? (
              <span>No rule is about this.</span>
            ) : (
              <code class="break">
                {result.line === undefined ? '' : `line ${result.line}: `}
                {plainText(result.rule)}
              </code>
            )}
          </p>
        )}
      </div>
    </Panel>
  )
}
