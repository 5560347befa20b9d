import { useState } from 'preact/hooks'
import type { LiveSession } from '../../../schemas/access.ts'
import { useApp } from '../../app-context.ts'
import { plainText } from '../../format/lines.ts'
import { ProblemNotice } from '../../parts/notice.tsx'
import { Panel } from '../../parts/page.tsx'
import { Table, type Column } from '../../parts/table.tsx'
import { useLoad } from '../../parts/use-load.ts'
import { Age } from '../../parts/when.tsx'

/** Who is logged in now. */
export function Sessions() {
  const { api, say } = useApp()
  const { value, error, reload } = useLoad('sessions', (signal) =>
    api.ask<{ readonly sessions: readonly LiveSession[] }>('GET', '/access/sessions', { signal }),
  )
  const [problem, setProblem] = useState<unknown>()
  const end = async ({ id, user }: LiveSession): Promise<void> => {
    setProblem(undefined)
    try {
      await api.ask('DELETE', `/access/sessions/${encodeURIComponent(id)}`)
      say(`The session of ${user} has ended`)
      reload()
    } catch (failure) {
      setProblem(failure)
    }
  }
  const actions: Column<LiveSession> = {
    title: '',
    cell: (session) => (
      <div class="actions">
        {session.current ? (
          <span class="muted">this one</span>
        ) : (
          <button type="button" class="button button-small" onClick={() => void end(session)}>
            End it<span class="sr-only"> ({plainText(session.user)})</span>
          </button>
        )}
      </div>
    ),
  }
  return (
    <Panel title="Logged in now" flush>
      {error === undefined && problem === undefined ? null : (
        <div class="panel-body">
          <ProblemNotice error={error ?? problem} />
        </div>
      )}
      {value === undefined ? null : (
        <Table
          label="Sessions"
          columns={[...columns, actions]}
          rows={value.sessions}
          keyOf={({ id }) => id}
        />
      )}
    </Panel>
  )
}

const columns: readonly Column<LiveSession>[] = [
  { title: 'User', cell: ({ user }) => <strong class="break">{plainText(user)}</strong> },
  { title: 'From', cell: ({ from }) => <span class="break">{plainText(from)}</span> },
  {
    title: 'Last seen',
    cell: ({ seenAt }) => (
      <>
        <Age at={seenAt} /> ago
      </>
    ),
  },
]
