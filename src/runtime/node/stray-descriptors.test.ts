import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const program = new URL('stray-descriptors.ts', import.meta.url).href

describe.skipIf(!existsSync('/proc/self/fdinfo'))('descriptors that were left open', () => {
  let file = 0
  beforeAll(() => {
    file = openSync('/dev/zero', 'r')
  })
  afterAll(() => closeSync(file))

  /** @returns those that a process started by one that was started with 40 and 50 open finds open, of these two */
  function inheritedThen(code: string): string {
    const stdio = Array.from({ length: 51 }, (_, at) =>
      at === 1 ? ('pipe' as const) : at === 40 || at === 50 ? file : ('ignore' as const),
    )
    const list = `for each in 40 50; do [ ! -e /proc/self/fd/$each ] || echo $each; done`
    const script = `
      import { closeStrayDescriptors } from ${JSON.stringify(program)}
      import { spawnSync } from 'node:child_process'
      ${code}
      spawnSync('/bin/sh', ['-c', ${JSON.stringify(list)}], { stdio: ['ignore', 'inherit', 'ignore'] })
    `
    const args = ['--no-warnings', '--input-type=module', '-e', script]
    return spawnSync(process.execPath, args, { stdio, encoding: 'utf8' }).stdout
  }

  test('reach nobody but those who want them', () => {
    expect(inheritedThen('')).toBe('40\n50\n')
    expect(inheritedThen('closeStrayDescriptors(new Set())')).toBe('')
    expect(inheritedThen('closeStrayDescriptors(new Set([50]))')).toBe('50\n')
  })

  test('reach nobody where the system does not tell which there are', () => {
    expect(inheritedThen("closeStrayDescriptors(new Set(), '/nowhere')")).toBe('')
    expect(inheritedThen("closeStrayDescriptors(new Set([40]), '/nowhere')")).toBe('40\n')
  })
})
