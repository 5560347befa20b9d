import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { editFile } from './edit-file.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-edit-'))
})
afterEach(() => rm(folder, { recursive: true }))

const path = (): string => join(folder, 'lists')
const text = (): Promise<string> => readFile(path(), 'utf8')

test('a file is made, changed and left alone, and nothing else stays behind', async () => {
  expect(await editFile(path(), (before) => `${before}one\n`)).toBe(true)
  expect(await editFile(path(), (before) => `${before}two\n`)).toBe(true)
  expect(await editFile(path(), (before) => before)).toBe(false)
  expect(await text()).toBe('one\ntwo\n')
  expect(await readdir(folder)).toEqual(['lists'])
})

test('whoever may read it may read it afterwards', async () => {
  await writeFile(path(), 'one\n', { mode: 0o640 })
  await editFile(path(), () => 'two\n')
  expect((await stat(path())).mode & 0o777).toBe(0o640)
})

test('a service that may give files to nobody changes its own', async () => {
  await writeFile(path(), 'one\n')
  const any = await open(path(), 'r')
  const chown = vi.spyOn(Object.getPrototypeOf(any), 'chown').mockRejectedValue(new Error('EPERM'))
  try {
    expect(await editFile(path(), () => 'two\n')).toBe(true)
    expect(await text()).toBe('two\n')
  } finally {
    chown.mockRestore()
    await any.close()
  }
})

test('two who change it at once lose nothing', async () => {
  const lines = Array.from({ length: 20 }, (_, n) => `line ${n}`)
  await Promise.all(lines.map((line) => editFile(path(), (before) => `${before}${line}\n`)))
  expect((await text()).trim().split('\n').toSorted()).toEqual(lines.toSorted())
})

test('a change that is refused changes nothing', async () => {
  await writeFile(path(), 'one\n')
  const refused = editFile(path(), () => {
    throw new Error('no')
  })
  await expect(refused).rejects.toThrow('no')
  expect([await text(), await readdir(folder)]).toEqual(['one\n', ['lists']])
})

test('what a change that was cut short left behind is in nobody’s way', async () => {
  await writeFile(`${path()}.new`, 'much more than half of it')
  await Promise.all(['a', 'b', 'c'].map((line) => editFile(path(), (now) => `${now}${line}`)))
  expect((await text()).split('').toSorted()).toEqual(['a', 'b', 'c'])
  await editFile(path(), () => 'whole\n')
  expect([await text(), await readdir(folder)]).toEqual(['whole\n', ['lists']])
})
