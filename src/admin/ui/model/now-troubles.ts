/** What keeps mail from going its way at the moment, in sentences. */
import type { Now } from '../../schemas/system.ts'
import { counted, plainText } from '../format/lines.ts'

export function troublesOf({ health }: Pick<Now, 'health'>): readonly string[] {
  if (health === undefined)
    return ['No gateway answers: what is shown here was read from its files.']
  const { silentEntries, nextHopsDown, deliveryPaused, workers, workersWanted } = health
  return [
    ...(workers < workersWanted
      ? [`Only ${workers} of ${counted(workersWanted, 'worker')} answer.`]
      : []),
    ...(silentEntries.length > 0
      ? [`What they depend on does not answer: ${silentEntries.map(plainText).join(', ')}.`]
      : []),
    ...(nextHopsDown > 0
      ? [`${counted(nextHopsDown, 'next hop')} did not answer, and rest for a while.`]
      : []),
    ...(deliveryPaused ? ['Delivery is paused.'] : []),
  ]
}
