import type { ChainEntryChange } from '../../../schemas/chain.ts'
import type { Change, Preview } from '../../../schemas/configuration.ts'
import { useApp } from '../../app-context.ts'
import { ReviewChange } from '../../parts/review-change.tsx'

export function ReviewEntry({
  name,
  title,
  change,
  onDone,
  onClose,
}: {
  readonly name: string
  readonly title: string
  readonly change: ChainEntryChange
  readonly onDone: () => void
  readonly onClose: () => void
}) {
  const { api } = useApp()
  const path = `/chain/${encodeURIComponent(name)}`
  return (
    <ReviewChange
      title={title}
      preview={(signal) => api.ask<Preview>('POST', `${path}/preview`, { body: change, signal })}
      apply={(ifMatch, note) =>
        api.ask<Change>('PATCH', path, {
          body: note === '' ? change : { ...change, note },
          ifMatch,
        })
      }
      onDone={onDone}
      onClose={onClose}
    />
  )
}
