/** What an operator is told: one mail for all that is new, and a body of JSON for each notice. */
import type { JsonObject } from '../mail/json.ts'
import type { ActiveAlert, Notice } from './book.ts'
import { inWords } from './in-words.ts'

export interface AlertLetter {
  readonly subject: string
  readonly text: readonly string[]
}

export function letterOf(
  notices: readonly Notice[],
  { hostname, active }: { readonly hostname: string; readonly active: readonly ActiveAlert[] },
): AlertLetter {
  const [only] = notices
  const begun = notices.filter(({ state }) => state === 'begin').length
  const ended = notices.filter(({ state }) => state === 'end').length
  const counted = [begun > 0 ? `${begun} new` : '', ended > 0 ? `${ended} over` : '']
  const several = `alerts: ${counted.filter((each) => each !== '').join(', ') || 'a test'}`
  const subject =
    notices.length === 1 && only !== undefined ? `${titles[only.state]}: ${only.key}` : several
  return {
    subject: `[${hostname}] ${subject}`,
    text: [
      `This is the postern program at ${hostname}.`,
      '',
      ...notices.flatMap((notice) => [...lines(notice), '']),
      active.length === 0 ? 'No alert is active now.' : 'Active now:',
      ...active.map(({ key, since }) => `  ${key}, since ${time(since)}`),
      '',
      'postern alerts    shows what is active',
      'postern metrics   shows the numbers behind it',
    ],
  }
}

const titles = { begin: 'alert', end: 'over', test: 'test' } as const

function lines({ key, state, at, since, summary }: Notice): readonly string[] {
  switch (state) {
    case 'begin':
      return [`ALERT  ${key}`, `  ${summary}`, `  since ${time(since)}`]
    case 'end':
      return [
        `OVER   ${key}`,
        `  it was: ${summary}`,
        `  ${time(since)}, for ${inWords(at - since)}`,
      ]
    case 'test':
      return [`TEST   ${summary}`]
  }
}

export function bodyOf({ key, state, at, since, summary }: Notice, hostname: string): JsonObject {
  return { version: 1, hostname, alert: key, state, at: iso(at), since: iso(since), summary }
}

function iso(at: number): string {
  return new Date(at).toISOString()
}

function time(at: number): string {
  return `${iso(at).slice(0, 19).replace('T', ' ')} UTC`
}
