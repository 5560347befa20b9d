import type { Complaint } from './complaint.ts'
import type { Tree } from './tree.ts'

/** Marks of the machine a file was written on; they help nobody who clones the repository. */
const traces: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/(?<![\w.-])\/(?:work|root)\/[\w.-]/, 'a path of the machine it was written on'],
  [/registry\.(?:npmjs\.org|yarnpkg\.com)|\.pkg\.dev\b/, 'a package registry'],
  [/_auth(?:Token)?\s*=/, 'a credential'],
]

const remedy = 'Write a path relative to the repository, or nothing'

/** Every text file of the repository, package-lock.json included. */
export function checkTraces(tree: Tree): readonly Complaint[] {
  return [...tree].flatMap(([file, text]) =>
    text
      .split('\n')
      .flatMap((line, index) =>
        traces
          .filter(([pattern]) => pattern.test(line))
          .map(([, what]) => ({ file, line: index + 1, problem: `names ${what}`, remedy })),
      ),
  )
}
