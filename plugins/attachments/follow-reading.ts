import type { ControlReading, FollowedFile, Live, Log } from 'postern/plugin'

/**
 * What a file says now. One that has mistakes at the start is refused; one that gets some later changes nothing, and the log says
 * why. @throws Error naming file, line and remedy
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
    const { line, text, remedy } = first
    if (good === undefined)
      throw new Error(`${file.path}:${line}: ${text.slice(0, 200)}: ${remedy}`)
    log.error('attachments.not-taken', { path: file.path, line, remedy })
    return good.value
  })
}
