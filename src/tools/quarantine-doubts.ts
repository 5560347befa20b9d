/** Doubts about a configuration that holds mail and never lets it go. */
import type { Configuration } from '../config/configuration.ts'
import type { Generation } from '../filter/generation.ts'
import type { Mistake } from '../plugin/mistake.ts'

/** Any entry at `message` may hold: what is refused for one of several recipients is held for that one. */
export function quarantineDoubts(
  configuration: Configuration,
  generation: Generation,
): readonly Mistake[] {
  const { quarantine, thresholds, thresholdRules, receiver } = configuration
  const { maxAgeMs, maxBytes, maxMessages } = quarantine
  const isLimited = [maxAgeMs, maxBytes, maxMessages].some((limit) => limit !== undefined)
  const holds =
    generation.places.message.some(({ entry }) => !entry.shadow) ||
    generation.entries.some(({ onFault, shadow }) => onFault === 'quarantine' && !shadow) ||
    [thresholds, ...thresholdRules.values()].some(({ quarantine: at }) => typeof at === 'number')
  if (isLimited || !holds) return []
  return [
    {
      file: receiver.place.file,
      key: 'quarantine',
      problem: 'mail may be quarantined, and is then kept for ever',
      code: 'quarantine-without-retention',
      remedy: 'write quarantine: { max_age: 30d, max_size: 1GB }',
    },
  ]
}
