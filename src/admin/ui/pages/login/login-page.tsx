import { useEffect, useState } from 'preact/hooks'
import type { SessionView } from '../../../schemas/access.ts'
import { useApp } from '../../app-context.ts'
import { TextField } from '../../parts/fields.tsx'
import { ProblemNotice } from '../../parts/notice.tsx'
import { Front } from './front.tsx'

export function LoginPage() {
  const { api, enter } = useApp()
  const [user, setUser] = useState('')
  const [password, setPassword] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  useEffect(() => {
    document.title = 'Log in · Postern'
  }, [])
  const logIn = async (event: Event): Promise<void> => {
    event.preventDefault()
    setBusy(true)
    setError(undefined)
    try {
      enter(await api.ask<SessionView>('POST', '/session', { body: { user, password } }))
    } catch (problem) {
      setError(problem)
      setPassword('')
      setBusy(false)
    }
  }
  return (
    <Front title="Log in">
      <form class="form" onSubmit={(event) => void logIn(event)}>
        <TextField label="User" value={user} onText={setUser} required autocomplete="username" />
        <TextField
          label="Password"
          type="password"
          value={password}
          onText={setPassword}
          required
          autocomplete="current-password"
        />
        <ProblemNotice error={error} />
        <button type="submit" class="button button-main" disabled={busy}>
          {busy ? 'One moment …' : 'Log in'}
        </button>
      </form>
    </Front>
  )
}
