/** First of all: is somebody logged in, or is this the first start? */
import { useLayoutEffect } from 'preact/hooks'
import type { SessionView } from '../schemas/access.ts'
import { useApp } from './app-context.ts'
import { LoginPage } from './pages/login/login-page.tsx'
import { SetupPage } from './pages/login/setup-page.tsx'
import { Shell } from './shell.tsx'

export function Root() {
  const { api, session, enter } = useApp()
  const setup = location.pathname === '/setup'
  useLayoutEffect(() => {
    // A 401 has already said that nobody is logged in, silence that the gateway is away.
    if (!setup) api.ask<SessionView>('GET', '/session').then(enter, () => undefined)
  }, [])
  if (setup && (session.value === undefined || session.value === 'none')) return <SetupPage />
  if (session.value === undefined) return <Waking />
  return session.value === 'none' ? <LoginPage /> : <Shell session={session.value} />
}

function Waking() {
  const { lost } = useApp()
  return (
    <main class="alone">
      <p role="status" class="muted">
        {lost.value ? 'The gateway does not answer. Trying again …' : 'Loading …'}
      </p>
    </main>
  )
}
