import { mistakeAt, type Mistake } from '../plugin/mistake.ts'
import { errorDetail } from './fault.ts'
import type { Generation } from './generation.ts'
import type { WrittenEntry } from './load-entries.ts'
import { doesSomething } from './plugin-instance.ts'

/** What the entries themselves say about their surroundings, as `postern check` shows it. */
export async function doubtsOfEntries(
  generation: Generation,
  written: readonly WrittenEntry[],
): Promise<readonly Mistake[]> {
  const places = new Map(written.map(({ name, place }) => [name, place]))
  const doubts = await Promise.all(
    generation.entries.map(async ({ name, plugin, instance }) => {
      const place = places.get(name)
      if (place === undefined) return []
      if (!doesSomething(instance)) {
        const problem = `${name} does nothing: setup of ${plugin} returned no hook`
        return [mistakeAt(place, [], { problem, remedy: 'see plugins/README.md for what it may' })]
      }
      if (instance.check === undefined) return []
      try {
        return (await instance.check()).map((doubt) =>
          mistakeAt(place, doubt.option === undefined ? [] : ['options', doubt.option], doubt),
        )
      } catch (error) {
        const problem = `${name} cannot say whether all is well: ${errorDetail(error)}`
        return [mistakeAt(place, [], { problem, remedy: 'mend what the problem names' })]
      }
    }),
  )
  return doubts.flat()
}
