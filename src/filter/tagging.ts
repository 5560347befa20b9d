/**
 * What a message is marked with where its score reaches the threshold `tag`. A field of ours that came with the message
 * is a lie and goes, whether the message is tagged or not.
 */
import { isAscii } from 'node:buffer'
import type { HeaderEdit } from '../mail/edits.ts'
import type { Header } from '../mail/header.ts'
import { fieldText } from '../mail/header-field.ts'

/** `{score}` and `{threshold}` in a value stand for the numbers, `{stars}` for one star a point. */
export interface Tagging {
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** Put before the subject; empty: the subject stays. */
  readonly subjectPrefix: string
}

/** The field that every tagging writes: what the message scored, and from which score on it is tagged. */
const scoreField = 'X-Postern-Score'

export const plainTagging: Tagging = Object.freeze({ fields: [], subjectPrefix: '' })

const mostStars = 50
const noEdits: readonly HeaderEdit[] = Object.freeze([])

export interface TagQuestion {
  readonly score: number
  /** Absent: nothing is tagged. */
  readonly threshold: number | undefined
  readonly tagging: Tagging
  /** Asked for only where the subject is edited. */
  readonly header: () => Header
}

export function tagEdits({
  score,
  threshold,
  tagging,
  header,
}: TagQuestion): readonly HeaderEdit[] {
  if (threshold === undefined) return noEdits
  const names = [scoreField, ...tagging.fields.map(([name]) => name)]
  const removed = names.map((name) => ({ edit: 'remove', name }) as const)
  if (score < threshold) return removed
  const own = [[scoreField, '{score} (tagged from {threshold})'] as const, ...tagging.fields]
  const written = own.map(([name, value]) => {
    return { edit: 'prepend', name, value: filledIn(value, score, threshold) } as const
  })
  return [...removed, ...written, ...subjectEdits(tagging.subjectPrefix, header)]
}

function filledIn(value: string, score: number, threshold: number): string {
  const stars = '*'.repeat(Math.min(mostStars, Math.max(0, Math.floor(score))))
  return fieldText(value)
    .replaceAll('{score}', String(score))
    .replaceAll('{threshold}', String(threshold))
    .replaceAll('{stars}', stars)
}

function subjectEdits(prefix: string, header: () => Header): readonly HeaderEdit[] {
  if (prefix === '') return noEdits
  const mark = encodedPrefix(prefix)
  const subject = header().first('subject')
  if (subject === undefined) return [{ edit: 'append', name: 'Subject', value: mark.trimEnd() }]
  if (subject.startsWith(mark)) return noEdits
  return [{ edit: 'replace', name: 'Subject', value: fieldText(`${mark}${subject}`) }]
}

/** RFC 2047 §2: an encoded-word is at most 75 characters; the blank behind it is not part of what is shown. */
function encodedPrefix(prefix: string): string {
  const text = fieldText(prefix)
  if (isAscii(Buffer.from(text))) return text
  return `=?UTF-8?B?${Buffer.from(text.trimEnd()).toString('base64')}?= `
}
