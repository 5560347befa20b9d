import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Option } from 'commander'
import { linkTarget } from '../runtime/node/folder-link.ts'

/** `--config DIR`: where postern.yaml lies; by default the sample that comes with Postern. */
export function configOption(): Option {
  return new Option('-c, --config <dir>', 'the folder that holds postern.yaml')
    .env('POSTERN_CONFIG')
    .default(defaultConfig(), 'config')
}

const sample = join(dirname(fileURLToPath(import.meta.url)), '../../config')

/**
 * The sample that comes with Postern, by the name that an operator would type: the Debian package has a link there, to
 * /etc/postern.
 */
export function defaultConfig(brought = sample, cwd = process.cwd()): string {
  const link = linkTarget(brought)
  if (link !== undefined) return resolve(dirname(brought), link)
  const near = relative(cwd, brought)
  return near.startsWith('..') ? brought : near
}
