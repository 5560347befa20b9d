/** Whether mail is taken, and new workers: what an operator does to a gateway that runs. */
import { useState } from 'preact/hooks'
import type { Reception, Restarted } from '../../../schemas/maintenance.ts'
import { useApp } from '../../app-context.ts'
import { counted } from '../../format/lines.ts'
import { Confirm } from '../../parts/confirm.tsx'

type Asked = 'restart' | 'close' | 'open'

/** Buttons; none where no gateway answers: there is nobody to be told. */
export function Running({
  reception,
  onDone,
}: {
  readonly reception: Reception | undefined
  readonly onDone: () => void
}) {
  const { may } = useApp()
  const [asked, setAsked] = useState<Asked | undefined>()
  if (reception === undefined || !may('system:reload')) return null
  return (
    <>
      <button
        type="button"
        class="button button-small"
        onClick={() => setAsked(reception.admits ? 'close' : 'open')}
      >
        {reception.admits ? 'Take no mail …' : 'Take mail again …'}
      </button>
      <button type="button" class="button button-small" onClick={() => setAsked('restart')}>
        New workers …
      </button>
      {asked === undefined ? null : (
        <Ask what={asked} onDone={onDone} onClose={() => setAsked(undefined)} />
      )}
    </>
  )
}

const words: Readonly<
  Record<Asked, { readonly title: string; readonly action: string; readonly explains: string }>
> = {
  restart: {
    title: 'Replace the workers?',
    action: 'Replace them',
    explains:
      'New workers read the configuration and the code of the plugins anew. Sessions and deliveries get up to 30 seconds to end; nobody is refused.',
  },
  close: {
    title: 'Take no mail?',
    action: 'Take no mail',
    explains:
      'Clients are told to come back later (421) until somebody takes mail again, or the gateway is restarted. What is in the queue goes on.',
  },
  open: {
    title: 'Take mail again?',
    action: 'Take mail',
    explains: 'Clients are let in as before.',
  },
}

function Ask({
  what,
  onDone,
  onClose,
}: {
  readonly what: Asked
  readonly onDone: () => void
  readonly onClose: () => void
}) {
  const { api, say } = useApp()
  const { title, action, explains } = words[what]
  const act = async (): Promise<void> => {
    if (what === 'restart') {
      const { doubts } = await api.ask<Restarted>('POST', '/restart', { body: {} })
      say(
        `The workers were replaced${doubts.length === 0 ? '' : `, with ${counted(doubts.length, 'doubt')}`}`,
      )
    } else {
      await api.ask<Reception>('PUT', '/system/reception', { body: { admits: what === 'open' } })
      say(what === 'open' ? 'Mail is taken again' : 'Clients are told to come back later')
    }
    onDone()
  }
  return (
    <Confirm
      title={title}
      action={action}
      danger={what === 'close'}
      onConfirm={act}
      onClose={onClose}
    >
      <p>{explains}</p>
    </Confirm>
  )
}
