/** Release, delete, learn, allow: what an operator does with held mail, asked about first. */
import { useState } from 'preact/hooks'
import type {
  QuarantineActionRequest,
  QuarantineActionResult,
} from '../../../schemas/quarantine.ts'
import { useApp } from '../../app-context.ts'
import { counted, plainText } from '../../format/lines.ts'
import { Confirm } from '../../parts/confirm.tsx'
import { TextField } from '../../parts/fields.tsx'

type Action = QuarantineActionRequest['action']

interface ActionWords {
  readonly button: string
  readonly title: string
  readonly explains: string
  readonly done: string
  readonly kind: 'main' | 'plain' | 'danger'
}

const words: Readonly<Record<Action, ActionWords>> = {
  release: {
    button: 'Release',
    title: 'Release?',
    explains: 'It goes to its recipient as if it had never been held.',
    done: 'released',
    kind: 'main',
  },
  'allow-sender': {
    button: 'Allow sender',
    title: 'Allow the sender?',
    explains: 'A rule in the lists lets this sender through to this recipient from now on.',
    done: 'had their sender allowed',
    kind: 'plain',
  },
  'learn-ham': {
    button: 'Learn as good',
    title: 'Teach the filters that this is good?',
    explains: 'Entries that learn are shown the message as good mail.',
    done: 'learned as good',
    kind: 'plain',
  },
  'learn-spam': {
    button: 'Learn as spam',
    title: 'Teach the filters that this is spam?',
    explains: 'Entries that learn are shown the message as spam.',
    done: 'learned as spam',
    kind: 'plain',
  },
  copy: {
    button: 'Send a copy',
    title: 'Send a copy?',
    explains: 'It goes there as it came, with all that is in it; here it stays held.',
    done: 'copied',
    kind: 'plain',
  },
  delete: {
    button: 'Delete',
    title: 'Delete?',
    explains: 'It is gone, and nobody is told. This cannot be taken back.',
    done: 'deleted',
    kind: 'danger',
  },
}

const order: readonly Action[] = [
  'release',
  'allow-sender',
  'learn-ham',
  'learn-spam',
  'copy',
  'delete',
]
/** What decides about it; a copy decides nothing. */
export const deciding: readonly Action[] = order.filter((action) => action !== 'copy')

export function HeldActions({
  ids,
  mayRelease,
  small = false,
  only = order,
  onDone,
}: {
  readonly ids: readonly string[]
  readonly mayRelease: boolean
  readonly small?: boolean
  readonly only?: readonly Action[]
  readonly onDone: (action: Action) => void
}) {
  const { may } = useApp()
  const [asked, setAsked] = useState<Action | undefined>()
  if (!may('quarantine:write')) return null
  const open = order.filter(
    (action) =>
      only.includes(action) &&
      (action !== 'release' || mayRelease) &&
      (!action.startsWith('learn') || may('quarantine:learn')) &&
      (action !== 'copy' || may('quarantine:raw')),
  )
  return (
    <>
      {open.map((action) => (
        <button
          key={action}
          type="button"
          class={`button button-${words[action].kind} ${small ? 'button-small' : ''}`}
          onClick={() => setAsked(action)}
        >
          {words[action].button}
        </button>
      ))}
      {asked === undefined ? null : (
        <ConfirmHeld action={asked} ids={ids} onDone={onDone} onClose={() => setAsked(undefined)} />
      )}
    </>
  )
}

function ConfirmHeld({
  action,
  ids,
  onDone,
  onClose,
}: {
  readonly action: Action
  readonly ids: readonly string[]
  readonly onDone: (action: Action) => void
  readonly onClose: () => void
}) {
  const { api, say } = useApp()
  const { title, button, explains, done, kind } = words[action]
  const [copyTo, setCopyTo] = useState('')
  const act = async (): Promise<void> => {
    const result = await api.ask<QuarantineActionResult>('POST', '/quarantine/actions', {
      body: action === 'copy' ? { action, ids, copyTo: copyTo.trim() } : { action, ids },
    })
    say(resultWords(result, done))
    onDone(action)
  }
  return (
    <Confirm
      title={title}
      action={button}
      danger={kind === 'danger'}
      onConfirm={act}
      onClose={onClose}
    >
      <p>
        <strong>{counted(ids.length, 'message')}.</strong> {explains}
      </p>
      {action === 'copy' ? (
        <TextField
          label="To"
          placeholder="ann@example.org"
          value={copyTo}
          onText={setCopyTo}
          required
        />
      ) : null}
    </Confirm>
  )
}

function resultWords({ count, learned, rules }: QuarantineActionResult, done: string): string {
  const failed = learned.filter(({ problem }) => problem !== undefined)
  return [
    `${counted(count, 'message')} ${done}`,
    ...rules.map((rule) => `new rule: ${plainText(rule)}`),
    ...failed.map(({ entry, problem }) => `${entry} did not learn: ${plainText(problem ?? '')}`),
  ].join('; ')
}
