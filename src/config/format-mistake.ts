import type { Mistake } from '../plugin/mistake.ts'

/** The same of what is only doubtful, with its class: `… [fails-open]` */
export function formatDoubt(doubt: Mistake): string {
  return doubt.code === undefined ? formatMistake(doubt) : `${formatMistake(doubt)} [${doubt.code}]`
}

/** `config/postern.yaml:12: chain[2].timeout: 'soon' is not a duration; write for instance 30s`, in one line whatever a file says. */
export function formatMistake({ file, line, key, problem, remedy }: Mistake): string {
  const place = line === undefined ? file : `${file}:${line}`
  const what = key === undefined || key === '' ? problem : `${key}: ${problem}`
  return `${place}: ${what}; ${remedy}`.replace(
    controls,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Also what turns the rest of a line around. */
const controls = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu
