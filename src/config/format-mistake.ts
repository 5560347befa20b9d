import type { Mistake } from '../plugin/mistake.ts'

/** `config/postern.yaml:12: chain[2].timeout: 'soon' is not a duration; write for instance 30s` */
export function formatMistake({ file, line, key, problem, remedy }: Mistake): string {
  const place = line === undefined ? file : `${file}:${line}`
  const what = key === undefined || key === '' ? problem : `${key}: ${problem}`
  return `${place}: ${what}; ${remedy}`
}
