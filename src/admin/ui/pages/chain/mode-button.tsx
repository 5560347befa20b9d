/** Enforce, shadow or off: with the diff and the check before it is written. */
import { useState } from 'preact/hooks'
import type { ChainEntry, ChainEntryChange } from '../../../schemas/chain.ts'
import { ReviewEntry } from './review-entry.tsx'

type Mode = NonNullable<ChainEntryChange['mode']>

const modes: readonly Mode[] = ['enforce', 'shadow', 'off']

export function ModeButton({
  entry: { name, mode },
  onDone,
}: {
  readonly entry: Pick<ChainEntry, 'name' | 'mode'>
  readonly onDone: () => void
}) {
  const [wanted, setWanted] = useState<Mode | undefined>()
  return (
    <>
      <select
        class="input input-short"
        aria-label={`Mode of ${name}`}
        value={mode}
        onChange={(event) => {
          const chosen = modes.find((each) => each === event.currentTarget.value)
          // The page shows what holds until the change is written.
          event.currentTarget.value = mode
          if (chosen !== mode) setWanted(chosen)
        }}
      >
        {modes.map((each) => (
          <option key={each} value={each} selected={each === mode}>
            {each}
          </option>
        ))}
      </select>
      {wanted === undefined ? null : (
        <ReviewEntry
          name={name}
          title={`Switch ${name} to ${wanted}`}
          change={{ mode: wanted }}
          onDone={onDone}
          onClose={() => setWanted(undefined)}
        />
      )}
    </>
  )
}
