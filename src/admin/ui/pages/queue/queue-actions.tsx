/** Retry, hold, release, delete, bounce: always asked about first, with the count that the gateway names. */
import { useState } from 'preact/hooks'
import type { Applied, QueueActionRequest, QueueSelection } from '../../../schemas/queue.ts'
import { useApp } from '../../app-context.ts'
import { counted } from '../../format/lines.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { ProblemNotice } from '../../parts/notice.tsx'
import { useLoad } from '../../parts/use-load.ts'

type Action = QueueActionRequest['action']

interface ActionWords {
  readonly button: string
  readonly title: string
  readonly explains: string
  readonly done: string
  readonly danger: boolean
}

const words: Readonly<Record<Action, ActionWords>> = {
  retry: {
    button: 'Retry',
    title: 'Try now?',
    explains: 'They are tried again at once; what is held stays held.',
    done: 'tried again',
    danger: false,
  },
  hold: {
    button: 'Hold',
    title: 'Hold?',
    explains: 'They stay in the queue and are not tried until somebody releases them.',
    done: 'held',
    danger: false,
  },
  release: {
    button: 'Release',
    title: 'Release?',
    explains: 'What is held is delivered as soon as its turn comes.',
    done: 'released',
    danger: false,
  },
  bounce: {
    button: 'Bounce',
    title: 'Give up on them?',
    explains: 'Their senders are told that delivery failed. This cannot be taken back.',
    done: 'bounced',
    danger: true,
  },
  delete: {
    button: 'Delete',
    title: 'Delete?',
    explains: 'They are gone, and nobody is told. This cannot be taken back.',
    done: 'deleted',
    danger: true,
  },
}

const order: readonly Action[] = ['retry', 'hold', 'release', 'bounce', 'delete']

/** @param of what the selection is, in words: `to example.org`, `the one selected` */
export function QueueActions({
  selection,
  of,
  small = false,
  only = order,
  onDone,
}: {
  readonly selection: QueueSelection
  readonly of: string
  readonly small?: boolean
  readonly only?: readonly Action[]
  readonly onDone: () => void
}) {
  const { may } = useApp()
  const [asked, setAsked] = useState<Action | undefined>()
  if (!may('queue:write')) return null
  return (
    <>
      {order
        .filter((action) => only.includes(action))
        .map((action) => (
          <button
            key={action}
            type="button"
            class={`button ${words[action].danger ? 'button-danger' : ''} ${small ? 'button-small' : ''}`}
            onClick={() => setAsked(action)}
          >
            {words[action].button}
            <span class="sr-only"> {of}</span>
          </button>
        ))}
      {asked === undefined ? null : (
        <ConfirmAction
          action={asked}
          selection={selection}
          of={of}
          onDone={onDone}
          onClose={() => setAsked(undefined)}
        />
      )}
    </>
  )
}

function ConfirmAction({
  action,
  selection,
  of,
  onDone,
  onClose,
}: {
  readonly action: Action
  readonly selection: QueueSelection
  readonly of: string
  readonly onDone: () => void
  readonly onClose: () => void
}) {
  const { api, say } = useApp()
  const { title, button, explains, done, danger } = words[action]
  const dry = useLoad(`${action} ${JSON.stringify(selection)}`, (signal) =>
    api.ask<Applied>('POST', '/queue/actions', {
      body: { action, selection, dryRun: true },
      signal,
    }),
  )
  const act = async (): Promise<void> => {
    const { count } = await api.ask<Applied>('POST', '/queue/actions', {
      body: { action, selection },
    })
    say(`${counted(count, 'message')} ${done}`)
    onDone()
  }
  return (
    <Confirm title={title} action={button} danger={danger} onConfirm={act} onClose={onClose}>
      <p>
        <strong>
          {dry.value === undefined ? 'Counting …' : counted(dry.value.count, 'message')}
        </strong>{' '}
        {of}.
      </p>
      <p class="muted">{explains}</p>
      <ProblemNotice error={dry.error} />
    </Confirm>
  )
}
