import { resolve } from 'node:path'
import type { Configuration } from '../config/configuration.ts'
import { formatMistake } from '../config/format-mistake.ts'
import { readConfiguration, type ConfigurationReading } from '../config/read-configuration.ts'
import { PosternError } from '../mail/errors.ts'
import type { OptionResources } from '../plugin/option.ts'
import type { Disk } from '../runtime/disk.ts'
import { systemDisk } from '../runtime/node/disk.ts'

/**
 * Reads a configuration folder as it lies on the disk.
 * @param disk with a file as it might become, for whoever tries a change
 */
export function readFolder(
  folder: string,
  disk: Pick<Disk, 'readFileNow'> = systemDisk,
): ConfigurationReading {
  return readConfiguration({
    folder: resolve(folder),
    shownAs: folder,
    resources: unopened,
    readFile: (path) => disk.readFileNow(path),
  })
}

/** The configuration without its plugins, for tools that only need to know where things lie. @throws PosternError CONFIG_INVALID */
export function readOffline(
  folder: string,
  disk: Pick<Disk, 'readFileNow'> = systemDisk,
): Configuration {
  const { configuration, mistakes } = readFolder(folder, disk)
  if (configuration !== undefined) return configuration
  throw new PosternError('CONFIG_INVALID', mistakes.map(formatMistake).join('\n'))
}

/** Sections open no files; entries do, and they are not read here. */
export const unopened: OptionResources = {
  file: (path) => never(path),
  table: (path) => never(path),
  cdb: (path) => never(path),
}

function never(path: string): never {
  throw new PosternError('CONFIG_INVALID', `${path} is not for offline tools`)
}
