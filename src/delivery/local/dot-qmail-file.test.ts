import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemDisk } from '../../runtime/node/disk.ts'
import { findDotQmail } from './dot-qmail-file.ts'

const nobody = { exit: 100, text: 'Sorry, no mailbox here by that name. (#5.1.1)' }

function found(files: Readonly<Record<string, string>>, dash: string, extension: string) {
  const home = mkdtempSync(join(tmpdir(), 'postern-home-'))
  onTestFinished(() => rmSync(home, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), text)
  const address = { user: 'alice', home, local: '', dash, extension, host: 'h', sender: 's@s' }
  return findDotQmail(systemDisk, address)
}

describe('the .qmail file of an address', () => {
  test.each([
    ['with a slash, where the file before it is no folder', 'a/b'],
    ['with a name that no disk holds', 'a'.repeat(300)],
  ])('is not there for an extension %s: nobody has that mailbox', async (_, extension) => {
    expect(await found({ '.qmail-a': './Maildir/\n' }, '-', extension)).toEqual(nobody)
  })

  test('is the one for the rest where the name of the whole is too long', async () => {
    const { default: rest } = (await found(
      { '.qmail-default': './Maildir/\n' },
      '-',
      'a'.repeat(300),
    )) as { readonly default?: string }
    expect(rest).toHaveLength(300)
  })

  test('is not .qmail where an extension follows without a dash', async () => {
    const outcome = await found(
      { '.qmail': './of-the-owner\n', '.qmaildefault': '&x@y\n' },
      '',
      'b',
    )
    expect(outcome).toMatchObject({ instructions: [{ do: 'forward', address: 'x@y' }] })
  })
})
