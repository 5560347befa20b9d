import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkout, runPostern } from './end-to-end/started-gateway.ts'

const read = (path: string): string => readFileSync(join(checkout, path), 'utf8')

describe('the README', () => {
  test('shows the example plugin as it stands in its tested file', () => {
    expect(read('README.md')).toContain(read('plugins/local/revoked-tags/revoked-tags.ts'))
  })

  test('names the two commands, and CI runs the second', () => {
    expect(read('README.md')).toContain('\nnpm install && npm start\n')
    expect(read('README.md')).toContain('\nnpm install && npm test\n')
    expect(read('.ci/run').trimEnd().split('\n').at(-1)).toBe('npm install && npm test')
  })

  test('names every command of the command line, and no other', async () => {
    const { stdout } = await runPostern(['--help'])
    const listed = stdout.matchAll(/^ {2}([a-z][\w-]*)/gm)
    const commands = [...listed].map(([, name]) => name).filter((name) => name !== 'help')
    const rows = [...read('README.md').matchAll(/^\| (`postern [^|]*)\|/gm)]
    const named = rows.flatMap(([, cell = '']) =>
      [...cell.matchAll(/`(?:postern )?([\w-]+)`/g)].map(([, name]) => name),
    )
    expect(new Set(commands)).toEqual(new Set(named))
  })

  test('points only at files that exist', () => {
    const rooms = ['src/queue', 'src/smtp', 'plugins', 'src', '.']
    for (const path of rooms.map((room) => join(room, 'README.md'))) {
      for (const [, link = ''] of read(path).matchAll(/\]\(([^)#]+)\)/g)) {
        const target = join(checkout, path, '..', link)
        expect(() => statSync(target), `${path}: ${link}`).not.toThrow(/ENOENT/)
      }
    }
  })
})
