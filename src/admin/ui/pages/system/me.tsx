import { useState } from 'preact/hooks'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { TextField } from '../../parts/fields.tsx'
import { ProblemNotice } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'

/** One's own password. */
export function Me() {
  const { api, session, say } = useApp()
  const [current, setCurrent] = useState('')
  const [password, setPassword] = useState('')
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState(false)
  const view = session.value
  const change = async (event: Event): Promise<void> => {
    event.preventDefault()
    setBusy(true)
    setError(undefined)
    try {
      await api.ask('POST', '/session/password', { body: { current, password } })
      say('The password was changed; other sessions of yours have ended')
      setCurrent('')
      setPassword('')
    } catch (problem) {
      setError(problem)
    }
    setBusy(false)
  }
  if (view === undefined || view === 'none') return null
  return (
    <div class="columns">
      <Panel title="Who you are">
        <dl class="facts">
          <dt>User</dt>
          <dd>{plainText(view.user)}</dd>
          <dt>Role</dt>
          <dd>{view.role}</dd>
          {view.domains.length === 0 ? null : (
            <>
              <dt>Domains</dt>
              <dd>{plainText(view.domains.join(', '))}</dd>
            </>
          )}
          <dt>You may</dt>
          <dd>{view.permissions.join(', ')}</dd>
        </dl>
      </Panel>
      <Panel title="Password">
        <form class="form" onSubmit={(event) => void change(event)}>
          <TextField
            label="Password now"
            type="password"
            autocomplete="current-password"
            value={current}
            onText={setCurrent}
            required
          />
          <TextField
            label="New password"
            type="password"
            hint="At least 10 characters"
            autocomplete="new-password"
            minLength={10}
            value={password}
            onText={setPassword}
            required
          />
          <ProblemNotice error={error} />
          <div class="row">
            <button type="submit" class="button button-main" disabled={busy}>
              Change it
            </button>
          </div>
        </form>
      </Panel>
    </div>
  )
}
