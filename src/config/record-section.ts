/** `record` of a listener: whether the dialogues of its sessions are kept, and where. */
import type { JsonValue } from '../mail/json.ts'
import { option } from '../plugin/option-makers.ts'
import type { Path } from './document.ts'
import { isMap, type Reading } from './reading.ts'

export interface RecordSettings {
  /** Absolute. */
  readonly folder: string
  /** Whether messages are kept too. */
  readonly bodies: boolean
  /** So many dialogues are kept, each of so many bytes at most. */
  readonly files: number
  readonly fileBytes: number
}

const shape = {
  to: option.string({ default: '../var/dialogues', description: 'The folder of the files' }),
  bodies: option.boolean({ default: true, description: 'Keep what is in messages too' }),
  files: option.integer({ default: 100, min: 1, max: 10_000 }),
  file_bytes: option.size({ default: '256KB', description: 'What comes beyond is left out' }),
} as const

/** @param given `true`, a folder, or a map of both and limits @param path of the key */
export function readRecord(
  reading: Reading,
  {
    path,
    given,
    absolute,
  }: {
    readonly path: Path
    readonly given: JsonValue | undefined
    readonly absolute: (path: string) => string
  },
): RecordSettings | undefined {
  if (given === undefined || given === null || given === false) return undefined
  if (given !== true && typeof given !== 'string' && !isMap(given)) {
    reading.mistake(path, 'is not true, a folder or a map', 'write record: true, or { to: FOLDER }')
    return undefined
  }
  const written = isMap(given) ? given : typeof given === 'string' ? { to: given } : {}
  const values = reading.section(path, shape, written)
  if (values === undefined) return undefined
  const { to, bodies, files, file_bytes: fileBytes } = values
  return { folder: absolute(to), bodies, files, fileBytes }
}
