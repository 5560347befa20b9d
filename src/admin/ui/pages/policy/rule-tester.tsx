import { useState } from 'preact/hooks'
import type { RuleTest, RuleTestResult } from '../../../schemas/policy.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { TextField } from '../../parts/fields.tsx'
import { ProblemNotice } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { Status } from '../../parts/status.tsx'

export function RuleTester() {
  const { api } = useApp()
  const [ip, setIp] = useState('')
  const [host, setHost] = useState('')
  const [result, setResult] = useState<RuleTestResult | undefined>()
  const [error, setError] = useState<unknown>()
  const test = async (event: Event): Promise<void> => {
    event.preventDefault()
    setError(undefined)
    const body: RuleTest = {
      ip: ip.trim(),
      ...(host.trim() === '' ? {} : { host: host.trim() }),
    }
    try {
      setResult(await api.ask<RuleTestResult>('POST', '/policy/rules/test', { body }))
    } catch (problem) {
      setResult(undefined)
      setError(problem)
    }
  }
  return (
    <Panel title="What holds for a client?" flush>
      <form class="filters" onSubmit={(event) => void test(event)}>
        <TextField
          label="IP address"
          placeholder="192.0.2.7"
          value={ip}
          onText={setIp}
          required
          search
        />
        <TextField
          label="Client name"
          placeholder="for =host rules"
          value={host}
          onText={setHost}
        />
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
        {result === undefined ? null : <Tested result={result} />}
      </div>
    </Panel>
  )
}

function Tested({ result: { rule, action, variables } }: { readonly result: RuleTestResult }) {
  return (
    <div class="panel-body stack-tight">
      <p class="row">
        <Status of={action} />
        {rule === undefined ? (
          <span>No rule matches: allowed, with an empty environment.</span>
        ) : (
          <span class="break">
            by the rule for{' '}
            <strong>{rule.address === '' ? 'everybody' : plainText(rule.address)}</strong>,{' '}
            <code>
              {plainText(rule.file)}
              {rule.line === undefined ? '' : `:${rule.line}`}
            </code>
          </span>
        )}
      </p>
      {variables.length === 0 ? null : (
        <dl class="facts">
          {variables.map(({ name, value, readers, unread }) => (
            <>
              <dt key={name} class="mono break">
                {plainText(`${name}="${value}"`)}
              </dt>
              <dd>
                {readers.map(({ by, option, description }, index) => (
                  <div key={index}>
                    {plainText(description)}{' '}
                    <span class="muted">
                      {plainText(by)}
                      {option === undefined ? '' : `, option ${plainText(option)}`}
                    </span>
                  </div>
                ))}
                {unread === undefined ? null : (
                  <span class="muted">nobody reads it: {plainText(unread)}</span>
                )}
              </dd>
            </>
          ))}
        </dl>
      )}
    </div>
  )
}
