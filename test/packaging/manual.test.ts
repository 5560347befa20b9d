import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Argument, Command } from 'commander'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { manualPage } from '../../src/cli/manual.ts'
import { runPostern, runProgram } from '../end-to-end/started-gateway.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-manual-'))
afterAll(() => rmSync(folder, { recursive: true }))

const hasMan = ((): boolean => {
  try {
    execFileSync('man', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

/** What man says against a page, and what it shows. */
async function shown(page: string): Promise<{ readonly warnings: string; readonly text: string }> {
  const path = join(folder, 'postern.1')
  writeFileSync(path, page)
  const env = { MANWIDTH: '200', LC_ALL: 'C.UTF-8', MANPAGER: 'cat', GROFF_NO_SGR: '1' }
  const { stderr, stdout } = await runProgram('man', ['--warnings', '-l', path], { env })
  return { warnings: stderr, text: stdout }
}

describe('postern --manual', () => {
  test('names each command, each with its options', async () => {
    const [{ stdout: page }, { stdout: help }] = await Promise.all([
      runPostern(['--manual']),
      runPostern(['--help']),
    ])
    const commands = [...help.matchAll(/^ {2}([a-z][\w-]*)/gm)]
    expect(commands.length).toBeGreaterThan(40)
    for (const [, name = ''] of commands.filter(([, each]) => each !== 'help')) {
      expect(page).toContain(`.SS "postern ${name.replaceAll('-', '\\-')}`)
    }
    // In place of a program of qmail's, with its arguments.
    expect(page).toContain('.SS "postern forward address ..."')
    expect(page).toContain('.B \\-\\-version')
    expect(page).toMatch(/^\.B 7\nWhat is asked needs a running gateway\.$/m)
  })

  test.skipIf(!hasMan)('is a page that man has nothing against', async () => {
    const { warnings, text } = await shown((await runPostern(['--manual'])).stdout)
    expect(warnings).toBe('')
    expect(text).toContain('postern - a programmable mail gateway')
    expect(text).toMatch(/--shift-ports <number>\n +Added to each port/)
  })
})

describe('a page', () => {
  test.skipIf(!hasMan)('shows any text as it is, and none of it as a request', async () => {
    const words = ['.SH odd', "'quoted' \\fB\\n(.z", '`a` ~b^ -c "d"', 'É – ü', '$(x) \\']
    const program = new Command('postern').description('A test')
    for (const [index, word] of words.entries()) {
      program.addCommand(
        new Command(`c${index}`).description(word).addArgument(new Argument('<a>', word)),
      )
    }
    const page = manualPage(program, '1')
    const { warnings, text } = await shown(page)
    expect(warnings).toBe('')
    for (const word of words) expect(text).toContain(word)
  })

  test('has no line that begins with a dot but for requests, whatever is said', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (word) => {
        const program = new Command('postern').description('x')
        program.addCommand(
          new Command('c').description(word).addArgument(new Argument('[a]', word)),
        )
        const page = manualPage(program, '1')
        const requests = page.split('\n').filter((line) => /^[.']/.test(line))
        expect(requests.every((line) => /^\.(?:TH|SH|SS|TP|B|BR|I|RI)(?: |$)/.test(line))).toBe(
          true,
        )
        expect(page).toMatch(/^[\x20-\x7e\n]*$/)
      }),
    )
  })
})
