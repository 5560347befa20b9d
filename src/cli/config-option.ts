import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Option } from 'commander'

/** `--config DIR`: where postern.yaml lies; by default the sample that comes with Postern. */
export function configOption(): Option {
  return new Option('-c, --config <dir>', 'the folder that holds postern.yaml')
    .env('POSTERN_CONFIG')
    .default(defaultConfig(), 'config')
}

/** The sample that comes with Postern. */
export function defaultConfig(): string {
  return relative(process.cwd(), join(dirname(fileURLToPath(import.meta.url)), '../../config'))
}
