import type { Configuration } from '../../config/configuration.ts'
import { pluginsIn } from '../../config/masked-text.ts'
import type { KnownPlugins } from '../../config/secret-values.ts'
import { PluginLoader } from '../../filter/loader.ts'
import type { Plugin } from '../../plugin/plugin.ts'
import { holdingClock } from '../../runtime/node/clock.ts'
import { systemDisk } from '../../runtime/node/disk.ts'

const mostPlugins = 200

/** Plugins by their names, from the folders of a configuration; those that are not there or broken are left out. */
export async function loadPlugins(
  names: Iterable<string>,
  { pluginFolders: folders }: Pick<Configuration, 'pluginFolders'>,
): Promise<ReadonlyMap<string, Plugin>> {
  const loader = new PluginLoader({ disk: systemDisk, clock: holdingClock, folders })
  try {
    const loaded = await Promise.all(
      [...new Set(names)].slice(0, mostPlugins).map((name) => loader.load(name)),
    )
    return new Map(
      loaded.flatMap((each) =>
        each.loaded === 'plugin' ? [[each.plugin.name, each.plugin] as const] : [],
      ),
    )
  } finally {
    loader.close()
  }
}

/** What the plugins that a chain names take. */
export async function optionsOfPlugins(
  names: Iterable<string>,
  configuration: Pick<Configuration, 'pluginFolders'>,
): Promise<KnownPlugins> {
  const plugins = await loadPlugins(names, configuration)
  return new Map([...plugins].map(([name, { options = {} }]) => [name, options]))
}

/** The same for the texts of a postern.yaml. */
export function optionsInTexts(
  texts: readonly string[],
  configuration: Pick<Configuration, 'pluginFolders'>,
): Promise<KnownPlugins> {
  return optionsOfPlugins(texts.flatMap(pluginsIn), configuration)
}
