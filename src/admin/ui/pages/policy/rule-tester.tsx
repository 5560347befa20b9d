import { useState } from 'preact/hooks'
import type { RuleTest, RuleTestResult } from '../../../schemas/policy.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { TextField } from '../../parts/fields.tsx'
import { Status } from '../../parts/status.tsx'
import { Tester } from './tester.tsx'

export function RuleTester() {
  const { api } = useApp()
  const [ip, setIp] = useState('')
  const [host, setHost] = useState('')
  const ask = (): Promise<RuleTestResult> => {
    const name = host.trim()
    const body: RuleTest = { ip: ip.trim(), ...(name === '' ? {} : { host: name }) }
    return api.ask<RuleTestResult>('POST', '/policy/rules/test', { body })
  }
  return (
    <Tester
      title="What holds for a client?"
      ask={ask}
      fields={
        <>
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
        </>
      }
    >
      {(result: RuleTestResult) => <Tested result={result} />}
    </Tester>
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
