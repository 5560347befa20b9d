/** The plugins of a whole chain. */
import { mistakeAt, type Mistake } from '../plugin/mistake.ts'
import type { EntryConfig } from './entry.ts'
import { nameFolderFirst, type Loaded, type PluginLoader } from './loader.ts'

/** An entry of the configuration whose plugin is still a name. */
export type WrittenEntry = Omit<EntryConfig, 'plugin'> & { readonly plugin: string }

/** Loads what the entries name; all mistakes at once, each plugin's own only once. */
export async function loadEntries(
  loader: PluginLoader,
  written: readonly WrittenEntry[],
): Promise<{ readonly entries: readonly EntryConfig[]; readonly mistakes: readonly Mistake[] }> {
  const loaded = await Promise.all(written.map(({ plugin }) => loader.load(plugin)))
  const mistakes = new Set<Mistake>()
  const together = liesElsewhere(written, loaded)
  const entries = written.flatMap((entry, index) => {
    const result = loaded[index]
    switch (result?.loaded) {
      case 'plugin':
        return [{ ...entry, plugin: result.plugin }]
      case 'nothing':
        mistakes.add(together.get(result.liesIn) ?? mistakeAt(entry.place, ['plugin'], result))
        return []
      case 'broken':
        for (const mistake of result.mistakes) mistakes.add(mistake)
        return []
      case undefined:
        return []
    }
  })
  return { entries, mistakes: [...mistakes] }
}

/** Of each folder that is not named one mistake, at the first entry whose plugin lies there: all of ours may. */
function liesElsewhere(
  written: readonly WrittenEntry[],
  loaded: readonly Loaded[],
): ReadonlyMap<string | undefined, Mistake> {
  const missing = written.flatMap(({ place }, index) => {
    const result = loaded[index]
    const isElsewhere = result?.loaded === 'nothing' && result.liesIn !== undefined
    return isElsewhere ? [{ place, result, liesIn: result.liesIn }] : []
  })
  const byFolder = Map.groupBy(missing, ({ liesIn }) => liesIn)
  return new Map(
    [...byFolder].flatMap(([liesIn, [first, ...others]]) => {
      if (first === undefined || others.length === 0) return []
      const problem = `${first.result.problem}, and none of ${others.length} others of the chain`
      const told = { problem, remedy: `they lie in ${liesIn}: ${nameFolderFirst}` }
      return [[liesIn, mistakeAt(first.place, ['plugin'], told)] as const]
    }),
  )
}
