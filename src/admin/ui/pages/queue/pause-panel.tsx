/** What is not delivered for now, because somebody said so. */
import { useState } from 'preact/hooks'
import type { Pauses, PauseScope } from '../../../schemas/queue.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { TextField } from '../../parts/fields.tsx'
import { ProblemNotice } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { useLoad } from '../../parts/use-load.ts'

export function PausePanel() {
  const { api, may, say } = useApp()
  const { value, error, reload } = useLoad('pauses', (signal) =>
    api.ask<Pauses>('GET', '/queue/pauses', { signal }),
  )
  const [domain, setDomain] = useState('')
  const [problem, setProblem] = useState<unknown>()
  const change = async (what: 'pause' | 'resume', scope: PauseScope): Promise<void> => {
    setProblem(undefined)
    try {
      await api.ask<Pauses>('POST', `/queue/${what}`, { body: scope })
      say(what === 'pause' ? `Paused ${scopeWords(scope)}` : `Resumed ${scopeWords(scope)}`)
      setDomain('')
      reload()
    } catch (failure) {
      setProblem(failure)
    }
  }
  const pause = (event: Event): void => {
    event.preventDefault()
    const name = domain.trim()
    void change('pause', name === '' ? { what: 'all' } : { what: 'domain', name })
  }
  const paused = value?.paused ?? []
  if (paused.length === 0 && !may('queue:write')) return null
  return (
    <Panel title="Pauses" flush>
      <div class="panel-body stack-tight">
        <ProblemNotice error={error} />
        {paused.length === 0 ? <p class="muted">Nothing is paused.</p> : null}
        {paused.map((scope) => (
          <div class="row" key={`${scope.what} ${scope.name ?? ''}`}>
            <span>No delivery to {plainText(scopeWords(scope))}</span>
            {may('queue:write') ? (
              <button
                type="button"
                class="button button-small"
                onClick={() => void change('resume', scope)}
              >
                Resume<span class="sr-only"> {scopeWords(scope)}</span>
              </button>
            ) : null}
          </div>
        ))}
        <ProblemNotice error={problem} />
      </div>
      {may('queue:write') ? (
        <form class="filters filters-row" onSubmit={pause}>
          <TextField
            label="Pause delivery to (empty: to everybody)"
            placeholder="example.org"
            value={domain}
            onText={setDomain}
            wide
          />
          <div class="row">
            <button type="submit" class="button">
              {domain.trim() === '' ? 'Pause all' : 'Pause'}
            </button>
          </div>
        </form>
      ) : null}
    </Panel>
  )
}

function scopeWords({ what, name }: PauseScope): string {
  if (what === 'all') return 'everybody'
  if (what === 'route') return `the route ${name ?? ''}`
  return what === 'from' || what === 'to' ? `mail ${what} ${name ?? ''}` : (name ?? '')
}
