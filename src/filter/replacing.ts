/** What may put another message in the place of the one received comes last, once, and never only in appearance. */
import { mistakeAt, type Mistake } from '../plugin/mistake.ts'
import type { EntryConfig } from './entry.ts'

export function checkReplacing(configs: readonly EntryConfig[]): readonly Mistake[] {
  const replacing = configs.filter(({ plugin, mode }) => plugin.replaces === true && mode !== 'off')
  return replacing.flatMap(({ name, mode, first, place }, index) => {
    const mistakes: Mistake[] = []
    if (index > 0) {
      const problem = `${replacing[0]?.name ?? ''} may replace the message already`
      mistakes.push(mistakeAt(place, [], { problem, remedy: 'one entry can: turn the other off' }))
    }
    if (mode === 'shadow') {
      const problem = `${name} runs a program that has effects: it cannot only pretend`
      mistakes.push(mistakeAt(place, ['mode'], { problem, remedy: 'write enforce, or off' }))
    }
    if (first) {
      const problem = `${name} is asked last`
      mistakes.push(mistakeAt(place, ['first'], { problem, remedy: 'take first from this entry' }))
    }
    return mistakes
  })
}
