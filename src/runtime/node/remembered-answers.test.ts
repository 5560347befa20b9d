import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { RememberedAnswers } from './remembered-answers.ts'

function stage() {
  const folder = mkdtempSync(join(tmpdir(), 'postern-remembered-'))
  const path = join(folder, 'some.db')
  const [ours, theirs] = [new DatabaseSync(path), new DatabaseSync(path)]
  ours.exec('CREATE TABLE words (word TEXT); INSERT INTO words VALUES (1)')
  const remembered = new RememberedAnswers(path)
  onTestFinished(() => {
    remembered.close()
    for (const each of [ours, theirs]) each.close()
    rmSync(folder, { recursive: true })
  })
  let asked = 0
  const count = (key = 'count') =>
    remembered.get(key, () => {
      asked += 1
      return ours.prepare('SELECT count(*) AS count FROM words').get()?.['count']
    })
  return { ours, theirs, count, remembered, asked: () => asked }
}

test('what was answered is not asked again, until somebody writes to the file', () => {
  const { theirs, count, asked } = stage()
  expect([count(), count(), asked()]).toEqual([1, 1, 1])
  for (let words = 2; words < 50; words++) {
    theirs.exec('INSERT INTO words VALUES (2)')
    expect(count()).toBe(words)
    expect(count()).toBe(words)
  }
  expect(asked()).toBe(49)
})

test('what is not committed counts for nothing, and what is undone neither', () => {
  const { theirs, count, asked } = stage()
  count()
  theirs.exec('BEGIN IMMEDIATE; INSERT INTO words VALUES (2)')
  expect(count()).toBe(1)
  theirs.exec('ROLLBACK')
  expect([count(), asked()]).toEqual([1, 1])
})

test('nothing is remembered of a file to which somebody has given a write-ahead log', () => {
  const { theirs, count, asked } = stage()
  count()
  theirs.exec('PRAGMA journal_mode = WAL')
  for (let words = 2; words < 5; words++) {
    theirs.exec('INSERT INTO words VALUES (2)')
    expect([count(), asked()]).toEqual([words, words])
  }
  theirs.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  expect(count()).toBe(4)
})

test('an answer during which somebody wrote is not kept', () => {
  const { theirs, remembered } = stage()
  const ask = (said: string): string =>
    remembered.get('word', () => {
      theirs.exec('INSERT INTO words VALUES (2)')
      return said
    })
  expect([ask('first'), ask('second')]).toEqual(['first', 'second'])
})

test('so many answers are kept, and those that are asked for stay', () => {
  const { count, asked } = stage()
  for (let key = 0; key < 100_000; key++) {
    count(`key ${key}`)
    if (key % 10_000 === 0) count('often')
  }
  expect(asked()).toBe(100_001)
  count('key 99999')
  expect(asked()).toBe(100_001)
  count('key 0')
  expect(asked()).toBe(100_002)
})
