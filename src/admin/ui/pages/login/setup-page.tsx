/** The first start: the link that the gateway printed makes the first administrator, once. */
import { useEffect, useState } from 'preact/hooks'
import type { SessionView } from '../../../schemas/access.ts'
import { useApp } from '../../app-context.ts'
import { TextField } from '../../parts/fields.tsx'
import { Notice, ProblemNotice } from '../../parts/notice.tsx'
import { Front } from './front.tsx'
import { setupToken } from './setup-token.ts'

export function SetupPage() {
  const { api, enter } = useApp()
  const [token] = useState(() => setupToken(location))
  const [user, setUser] = useState('admin')
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  useEffect(() => {
    document.title = 'First start · Postern'
    // The token is good once only, but it need not stay in the address bar and the history.
    history.replaceState(null, '', '/setup')
  }, [])
  const differs = again !== '' && again !== password
  const setUp = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (differs) return
    setBusy(true)
    setError(undefined)
    try {
      enter(await api.ask<SessionView>('POST', '/setup', { body: { token, user, password } }))
    } catch (problem) {
      setError(problem)
      setBusy(false)
    }
  }
  if (token === '') {
    return (
      <Front title="First start">
        <Notice kind="wait">
          This page needs the setup link that the gateway printed when it started. Open that link,
          or <a href="/">log in</a> if there is an administrator already.
        </Notice>
      </Front>
    )
  }
  return (
    <Front title="First start">
      <p class="muted">Choose the name and password of the first administrator.</p>
      <form class="form" onSubmit={(event) => void setUp(event)}>
        <TextField label="User" value={user} onText={setUser} required autocomplete="username" />
        <TextField
          label="Password"
          hint="At least 10 characters"
          type="password"
          value={password}
          onText={setPassword}
          required
          minLength={10}
          autocomplete="new-password"
        />
        <TextField
          label="Password, once more"
          type="password"
          value={again}
          onText={setAgain}
          required
          autocomplete="new-password"
          {...(differs ? { wrong: 'It differs from the one above' } : {})}
        />
        <ProblemNotice error={error} />
        <button type="submit" class="button button-main" disabled={busy || differs}>
          {busy ? 'One moment …' : 'Create and log in'}
        </button>
      </form>
    </Front>
  )
}
