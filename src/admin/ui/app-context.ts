/** What every page may ask for. Made once, in main.tsx; there is no other state that pages share. */
import { signal, type Signal } from '@preact/signals'
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { SessionView } from '../schemas/access.ts'
import { ApiClient, ProblemError } from './browser/api-client.ts'
import { after } from './browser/clock.ts'
import { openNavigation, type Navigation } from './browser/location.ts'
import { may, type Permission } from './model/rights.ts'

/** Undefined: not asked yet. `none`: nobody is logged in. */
export type SessionState = SessionView | 'none' | undefined

export interface App {
  readonly api: ApiClient
  readonly navigation: Navigation
  readonly session: Signal<SessionState>
  /** The gateway does not answer. */
  readonly lost: Signal<boolean>
  /** Grows when what is shown may be old: the gateway was away and has come back. */
  readonly revision: Signal<number>
  /** The last thing that was done, in words; gone after some seconds. */
  readonly said: Signal<string>
  readonly say: (words: string) => void
  readonly enter: (session: SessionView) => void
  readonly may: (...any: readonly Permission[]) => boolean
}

const toastMs = 6000
const askAgainMs = 2000

export function createApp(): App {
  const session = signal<SessionState>(undefined)
  const lost = signal(false)
  const revision = signal(0)
  const said = signal('')
  const api = new ApiClient({
    onLoggedOut: () => {
      session.value = 'none'
    },
    onSilence: () => {
      if (lost.value) return
      lost.value = true
      after(askAgainMs, look)
    },
  })
  const enter = (view: SessionView): void => {
    api.useToken(view.csrfToken ?? '')
    session.value = view
  }
  const look = (): void => {
    api.ask<SessionView>('GET', '/session').then(found, failed)
  }
  const found = (view: SessionView): void => {
    lost.value = false
    enter(view)
    revision.value += 1
  }
  const failed = (error: unknown): void => {
    const status = error instanceof ProblemError ? error.problem.status : 0
    lost.value = status === 0 || status >= 502
    if (lost.value) after(askAgainMs, look)
  }
  return {
    api,
    navigation: openNavigation(),
    session,
    lost,
    revision,
    said,
    say(words) {
      said.value = words
      after(toastMs, () => {
        if (said.value === words) said.value = ''
      })
    },
    enter,
    may: (...any) => {
      const view = session.value
      return view !== undefined && view !== 'none' && may(view.permissions, ...any)
    },
  }
}

export const AppContext = createContext<App | undefined>(undefined)

/** @throws Error outside the shell: a bug */
export function useApp(): App {
  const app = useContext(AppContext)
  if (app === undefined) throw new Error('there is no app around this component')
  return app
}
