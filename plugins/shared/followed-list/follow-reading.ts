import {
  FileMistakes,
  type ControlReading,
  type FollowedFile,
  type Live,
  type Log,
} from 'postern/plugin'

/**
 * What a file says now. One that has mistakes at the start is refused; one that gets some later changes nothing, and the log says
 * why. @throws FileMistakes
 */
export function followReading<T>(
  file: FollowedFile,
  parse: (bytes: Uint8Array | undefined) => ControlReading<T>,
  log: Log,
): Live<T> {
  let good: { readonly value: T } | undefined
  return file.follow((bytes) => {
    const { value, mistakes } = parse(bytes)
    const [first] = mistakes
    if (first === undefined) {
      good = { value }
      return value
    }
    if (good === undefined) throw new FileMistakes(file.path, mistakes)
    const { line, remedy } = first
    log.error('list.not-taken', { path: file.path, line, remedy })
    return good.value
  })
}
