import type { LineMistake } from '../formats/line-mistake.ts'

/** Thrown by `setup`: a file that an option names cannot be understood. All its mistakes are shown, each at its line. */
export class FileMistakes extends Error {
  readonly path: string
  readonly mistakes: readonly LineMistake[]

  constructor(path: string, mistakes: readonly LineMistake[]) {
    const [first] = mistakes
    super(
      first === undefined
        ? path
        : `${path}:${first.line}: ${first.text.slice(0, 200)}: ${first.remedy}`,
    )
    this.name = 'FileMistakes'
    this.path = path
    this.mistakes = mistakes
  }
}
