/** One mistake in the configuration: where it stands, what is wrong, what would be right. Collected, shown all at once. */
export interface Mistake {
  readonly file: string
  readonly line?: number
  /** `chain[2].options.separator` */
  readonly key?: string
  readonly problem: string
  readonly remedy: string
}

/** `config/postern.yaml:12: chain[2].timeout: 'soon' is not a duration; write for instance 30s` */
export function formatMistake({ file, line, key, problem, remedy }: Mistake): string {
  const place = line === undefined ? file : `${file}:${line}`
  const what = key === undefined || key === '' ? problem : `${key}: ${problem}`
  return `${place}: ${what}; ${remedy}`
}
