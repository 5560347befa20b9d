import { describe, expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { describeComplaint, type Complaint } from './complaint.ts'
import { checkCycles } from './cycles.ts'
import { checkDoors } from './doors.ts'
import { checkUnusedExports } from './exports.ts'
import { checkHousePlan, checkPluginFolders } from './folders.ts'
import { checkPages } from './pages.ts'
import { checkImports } from './rooms.ts'
import { checkShape } from './shape.ts'
import { parseTree } from './source-file.ts'
import { checkTraces } from './traces.ts'
import { readTree } from './tree.ts'

const tree = readTree()
const files = parseTree(tree)

const packages = {
  dependencies: new Set(Object.keys(packageJson.dependencies)),
  devDependencies: new Set(Object.keys(packageJson.devDependencies)),
}

function expectNone(complaints: readonly Complaint[]): void {
  expect(complaints.map(describeComplaint)).toEqual([])
}

describe('the house is tidy', () => {
  test('every import is one that the house plan allows', () => {
    expectNone(checkImports(files, packages))
  })

  test('no two files need each other', () => {
    expectNone(checkCycles(files))
  })

  test('the outside world is reached through the doors only', () => {
    expectNone(checkDoors(files))
  })

  test('files are named, sized and typed as the house does it', () => {
    expectNone(checkShape(files))
  })

  test('what a file exports is used by others', () => {
    expectNone(checkUnusedExports(tree, files))
  })

  test('no file names the machine it was written on', () => {
    expectNone(checkTraces(tree))
  })

  test('src/README.md names every room', () => {
    expectNone(checkHousePlan(tree))
  })

  test('every page points at files and headings that are there', () => {
    expectNone(checkPages(tree))
  })

  test('every plugin folder holds one plugin, its test and its page', () => {
    expectNone(checkPluginFolders(tree, files))
  })

  test('every dependency is pinned to one exact version', () => {
    const loose = Object.entries({
      ...packageJson.dependencies,
      ...packageJson.devDependencies,
      ...packageJson.optionalDependencies,
    }).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
    expect(loose).toEqual([])
  })

  test('the lock file says what to install and not where from', () => {
    expect(tree.get('package-lock.json')).not.toContain('"resolved"')
  })
})
