import { parseAssign, type Assignments } from '../formats/assign.ts'
import { PosternError } from '../mail/errors.ts'
import type { FollowedFile, Live } from '../plugin/table.ts'
import type { Log } from '../runtime/log.ts'

/** Of one reading: a list of another form has as many as it has lines, and each worker reads it. */
const mostTold = 10

/**
 * users/assign as it changes; undefined where there is none. Half a list would bounce the mail of the other half: one with
 * mistakes leaves in force what it said before them, and where that is not known, whoever asks it waits.
 */
export function followedAssignments(
  file: FollowedFile,
  log: Pick<Log, 'error'>,
): Live<Assignments | undefined> {
  let isFirst = true
  return file.follow((bytes) => {
    const { value, mistakes } = parseAssign(bytes)
    const [first] = mistakes
    const isReadAnew = !isFirst
    isFirst = false
    if (first === undefined) return bytes === undefined ? undefined : value
    for (const { line, remedy } of mistakes.slice(0, mostTold)) {
      log.error('users.assign-mistake', { line, remedy, mistakes: mistakes.length })
    }
    const where = `${file.path}:${first.line}: ${first.remedy}`
    const failure = new PosternError('CONFIG_INVALID', where)
    if (isReadAnew) throw failure
    return {
      find() {
        throw failure
      },
    }
  })
}
