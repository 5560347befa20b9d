import { useState } from 'preact/hooks'
import type { ListTest, ListTestResult } from '../../../schemas/policy.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { TextField } from '../../parts/fields.tsx'
import { Status } from '../../parts/status.tsx'
import { Tester } from './tester.tsx'

export function ListTester() {
  const { api } = useApp()
  const [asked, setAsked] = useState({ client: '', sender: '', to: '' })
  const ask = (): Promise<ListTestResult> => {
    const given = Object.entries(asked)
      .map(([name, value]) => [name, value.trim()] as const)
      .filter(([, value]) => value !== '')
    const body: ListTest = { ...Object.fromEntries(given), proven: true }
    return api.ask<ListTestResult>('POST', '/policy/lists/test', { body })
  }
  const bind = (name: keyof typeof asked) => ({
    value: asked[name],
    onText: (text: string) => setAsked({ ...asked, [name]: text }),
  })
  return (
    <Tester
      title="What do the lists say?"
      ask={ask}
      fields={
        <>
          <TextField label="Client address" placeholder="192.0.2.7" search {...bind('client')} />
          <TextField label="Sender" placeholder="ann@example.org" {...bind('sender')} />
          <TextField label="Recipient" placeholder="bob@example.net" {...bind('to')} />
        </>
      }
    >
      {({ says, rule, line }: ListTestResult) => (
        <p class="panel-body row">
          <Status of={says} />
          {rule === undefined ? (
            <span>No rule is about this.</span>
          ) : (
            <code class="break">
              {line === undefined ? '' : `line ${line}: `}
              {plainText(rule)}
            </code>
          )}
        </p>
      )}
    </Tester>
  )
}
