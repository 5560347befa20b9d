import { PosternError } from '../mail/errors.ts'
import type { OptionResources } from '../plugin/option.ts'

/** For sections whose values are no files. */
export const noFiles: OptionResources = {
  file: never,
  table: never,
  cdb: never,
}

function never(path: string): never {
  throw new PosternError('CONFIG_INVALID', `${path} names a file where none belongs`)
}
