/** One mistake in the configuration: where it stands, what is wrong, what would be right. Collected, shown all at once. */
export interface Mistake {
  readonly file: string
  readonly line?: number
  /** `chain[2].options.separator` */
  readonly key?: string
  readonly problem: string
  readonly remedy: string
  /** Of what is only doubtful: the class by which an operator may silence it. */
  readonly code?: string
}

type Path = readonly (string | number)[]

/** Where a piece of the configuration was written. */
export interface WrittenAt {
  readonly file: string
  readonly path: Path
  /** The line of a key, or of the nearest parent that stands in the file. */
  lineOf(path: Path): number | undefined
}

/** A mistake at a key below `at`. */
export function mistakeAt(
  at: WrittenAt,
  below: Path,
  { problem, remedy, code }: Pick<Mistake, 'problem' | 'remedy' | 'code'>,
): Mistake {
  const path = [...at.path, ...below]
  const line = at.lineOf(path)
  const key = path
    .map((step, index) =>
      typeof step === 'number' ? `[${step}]` : `${index > 0 ? '.' : ''}${step}`,
    )
    .join('')
  return {
    file: at.file,
    ...(line === undefined ? {} : { line }),
    ...(key === '' ? {} : { key }),
    problem,
    remedy,
    ...(code === undefined ? {} : { code }),
  }
}
