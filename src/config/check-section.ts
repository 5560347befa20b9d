/** The section `check`: classes of warnings that an operator knows about, each with the reason. */
import type { JsonObject } from '../mail/json.ts'
import { nearest } from '../plugin/nearest.ts'
import { doubtClasses, isDoubtClass, type DoubtClass } from './doubt-classes.ts'
import { isMap, type Reading } from './reading.ts'

export function readSilenced(reading: Reading, top: JsonObject): ReadonlyMap<DoubtClass, string> {
  const silenced = new Map<DoubtClass, string>()
  const { check } = top
  if (check === undefined || check === null) return silenced
  if (!isMap(check)) {
    reading.mistake(['check'], 'is not a map', 'write check: { silence: { CLASS: reason } }')
    return silenced
  }
  reading.unknownKeys(['check'], check, ['silence'])
  const { silence } = check
  if (silence === undefined || silence === null) return silenced
  if (!isMap(silence)) {
    reading.mistake(['check', 'silence'], 'is not a map', 'write silence: { CLASS: reason }')
    return silenced
  }
  for (const [name, reason] of Object.entries(silence)) {
    const path = ['check', 'silence', name]
    if (!isDoubtClass(name)) {
      const classes = Object.keys(doubtClasses)
      const meant = nearest(name, classes)
      const remedy =
        meant === undefined ? `there are: ${classes.join(', ')}` : `did you mean ${meant}?`
      reading.mistake(path, 'is no class of warnings', remedy)
    } else if (typeof reason !== 'string' || reason.trim() === '') {
      reading.mistake(path, 'gives no reason', 'write why the warning does not matter here')
    } else {
      silenced.set(name, reason.trim())
    }
  }
  return silenced
}
