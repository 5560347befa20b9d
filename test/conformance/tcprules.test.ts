/** What ucspi-tcp's own regression tests expect of tcprules and tcprulescheck, asked of ours. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkout } from '../end-to-end/started-gateway.ts'
import { readVectors, vectorsAreMissing } from './third-party.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-rts-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The part about tcprules: from its first heading to the one of the next program. */
function about(text: string, nextProgram: RegExp): string {
  const from = text.indexOf('--- tcprules prints usage')
  const start = text.lastIndexOf('\n', from) + 1
  const end = text.slice(from).search(nextProgram)
  return text.slice(start, from + end)
}

test.skipIf(vectorsAreMissing)(
  'the regression tests of ucspi-tcp print what they print with the originals',
  () => {
    for (const name of ['tcprules', 'tcprulescheck']) {
      const shim = `#!/bin/sh\nexec '${join(checkout, 'bin/postern')}' ${name} "$@"\n`
      writeFileSync(join(folder, name), shim, { mode: 0o755 })
    }
    const script = about(readVectors('ucspi/rts.tests'), /\necho '--- addcr/)
    const expected = about(readVectors('ucspi/rts.exp'), /--- addcr/)
    const path = `${folder}:${process.env['PATH'] ?? ''}`
    const { stdout } = spawnSync('/bin/sh', ['-c', `exec 2>&1\n${script}`], {
      cwd: folder,
      env: { ...process.env, PATH: path },
      encoding: 'latin1',
    })
    expect(stdout.trimEnd().split('\n')).toEqual(expected.trimEnd().split('\n'))
    expect(expected.split('\n').length).toBeGreaterThan(150)
  },
  120_000,
)
