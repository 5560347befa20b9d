/**
 * Every variable that the qmail world's smtpd and tcpserver know drives an option here, or is named as one that does
 * not, with the reason. The lists are read from the notes on those programs, which lie beside the vectors.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { environmentTable } from '../../src/tools/environment-table.ts'
import { checkout } from '../end-to-end/started-gateway.ts'
import { notesRoot } from './third-party.ts'

const smtpd = join(notesRoot, 'smtpd.md')
const tcpserver = join(notesRoot, 'tcprules.md')
const missing = !existsSync(smtpd) || !existsSync(tcpserver)

/** They come with plugins that read them under other names than an option's, or with back ends of their own. */
const withTheirPlugins = new Set(['QMAILQUEUE', 'DKVERIFY', 'DKSIGN', 'DKQUEUE'])

/** The names in the first column of a table, those of one family written as in the notes: `AUTH_SET_X`, `NAME / _OTHER`. */
function namesIn(file: string, heading: RegExp): readonly string[] {
  const [, section = ''] = readFileSync(file, 'utf8').split(heading)
  const rows = (section.split(/^#/m)[0] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (?:name|var) \|/.test(line))
  return rows.flatMap((row) => {
    const words = row.split('|')[1]?.match(/_?[A-Z][A-Z0-9_]{2,}/g) ?? []
    return words.map((word, index) => (word.startsWith('_') ? sibling(words, index) : word))
  })
}

/** `VALIDRCPTTO_CDB / _LIMIT` is short for `VALIDRCPTTO_LIMIT`. */
function sibling(words: readonly string[], index: number): string {
  const first = words.slice(0, index).findLast((word) => !word.startsWith('_')) ?? ''
  return first.replace(/_[A-Z0-9]+$/, words[index] ?? '')
}

test.skipIf(missing)('every variable of qmail-smtpd and tcpserver is accounted for', async () => {
  const names = [...namesIn(smtpd, /^## 5\..*$/m), ...namesIn(tcpserver, /^## 6\..*$/m)]
  expect(names).toEqual(
    expect.arrayContaining([
      'SMTPGREETING',
      'VALIDRCPTTO_LIMIT',
      'QMAILSMTPD_LOG_RCPT',
      'MAXCONNC',
    ]),
  )
  expect(names.length).toBeGreaterThan(40)
  const { variables, mistakes } = await environmentTable(join(checkout, 'config'))
  expect(mistakes).toEqual([])
  const known = new Map(variables.map((each) => [each.name, each]))
  const unaccounted = [...new Set([...names, 'RELAYCLIENT', 'RBLSMTPD', 'DIEMSG', 'JGREYLIST'])]
    .filter((name) => !withTheirPlugins.has(name))
    .filter((name) => {
      const variable = known.get(name)
      const isRead = (variable?.readers.length ?? 0) > 0
      return !isRead && variable?.unread === undefined
    })
  expect(unaccounted).toEqual([])
})

test('each variable is explained, and none is both read and said to be unread', async () => {
  const { variables } = await environmentTable(join(checkout, 'config'))
  for (const { name, readers, unread } of variables) {
    expect({ name, unread: readers.length > 0 ? undefined : unread }).toEqual({ name, unread })
  }
})
