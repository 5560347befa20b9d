/**
 * The order of test files: those that start programs before units, and among them first those that take long whatever
 * their size says. What is short comes last, so that no worker waits long for another one's end.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Folders and files of test/, the longest first. */
const long = [
  'packaging/packages',
  'end-to-end/control',
  'crash/',
  'pages/',
  'conformance/qmail-send',
  'end-to-end/workers',
  'end-to-end/import',
]

function rank({ project, moduleId }: TestSpecification): number {
  const at = long.findIndex((each) => moduleId.includes(`/test/${each}`))
  if (at >= 0) return at
  return project.name === 'whole' ? long.length : long.length + 1
}

export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const bySize = await super.sort(files)
    return bySize.toSorted((a, b) => rank(a) - rank(b))
  }
}
