/** bin/postern, with programs in place of Node that say how they were called. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const launcher = fileURLToPath(new URL('../bin/postern', import.meta.url))

describe('bin/postern', () => {
  let folder = ''
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'postern-launcher-')))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  function install(root: string): string {
    const program = join(root, 'bin/postern')
    mkdirSync(dirname(program), { recursive: true })
    copyFileSync(launcher, program)
    return program
  }

  /** A program that answers --version, and otherwise prints its name, pid and parameters. */
  function fakeNode(path: string, version = 'v26.10.0'): void {
    mkdirSync(dirname(path), { recursive: true })
    const script = `#!/bin/sh\nif [ "$1" = --version ]; then echo ${version}; else echo ${path} $$ "$@"; fi\n`
    writeFileSync(path, script)
    chmodSync(path, 0o755)
  }

  function launch(program: string, parameters: readonly string[] = [], path = '/usr/bin:/bin') {
    const child = spawnSync(program, parameters, {
      encoding: 'utf8',
      env: { PATH: path },
    })
    const [node, pid, ...rest] = child.stdout.trim().split(' ')
    return { ...child, node, sameProcess: Number(pid) === child.pid, parameters: rest }
  }

  test('becomes the Node that is pinned beside it, without a process in between', () => {
    const node = join(folder, 'node_modules/.bin/node')
    fakeNode(node)
    const run = launch(install(folder), ['queue', 'list'])
    expect(run).toMatchObject({ node, sameProcess: true })
    expect(run.parameters).toEqual([join(folder, 'src/cli/main.ts'), 'queue', 'list'])
  })

  test('forgets at a start what it has compiled and not read for a week', () => {
    fakeNode(join(folder, 'node_modules/.bin/node'))
    const program = install(folder)
    const compiled = join(folder, 'node_modules/.cache/compile/v26')
    mkdirSync(compiled, { recursive: true })
    for (const name of ['read', 'unread']) writeFileSync(join(compiled, name), '')
    const longAgo = new Date(Date.now() - 9 * 86_400_000)
    utimesSync(join(compiled, 'unread'), longAgo, longAgo)
    launch(program, ['check'])
    expect(readdirSync(compiled)).toEqual(['read', 'unread'])
    launch(program, ['start'])
    expect(readdirSync(compiled)).toEqual(['read'])
  })

  test.skipIf(process.getuid?.() !== 0)(
    'runs no code that was compiled in a folder of somebody else (skipped for others than root)',
    () => {
      const node = join(folder, 'node_modules/.bin/node')
      fakeNode(node)
      writeFileSync(node, '#!/bin/sh\necho "$NODE_COMPILE_CACHE"\n')
      const cache = join(folder, 'cache')
      mkdirSync(cache)
      const program = install(folder)
      const used = (): string =>
        execFileSync(program, ['check'], {
          encoding: 'utf8',
          env: { PATH: '/usr/bin:/bin', NODE_COMPILE_CACHE: cache },
        }).trim()
      expect(used()).toBe(cache)
      chownSync(cache, 8200, 8201)
      expect(used()).toBe(join(folder, 'node_modules/.cache/compile'))
    },
  )

  test.each([
    ['is told where the standard input is closed', 'check', '<&-', '1'],
    ['is not told where it is only empty', 'check', '</dev/null', ''],
    ['is not told for a gateway, which has others read theirs', 'start', '<&-', ''],
  ])('%s', (_, command, input, told) => {
    const node = join(folder, 'node_modules/.bin/node')
    fakeNode(node)
    writeFileSync(node, '#!/bin/sh\necho "${POSTERN_CLOSED_INPUT-}"\n')
    const line = `${install(folder)} ${command} ${input}`
    const env = { PATH: '/usr/bin:/bin', POSTERN_CLOSED_INPUT: '1' }
    expect(execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8', env })).toBe(`${told}\n`)
  })

  test('takes an empty POSTERN_CONFIG for none', () => {
    const node = join(folder, 'node_modules/.bin/node')
    fakeNode(node)
    writeFileSync(node, '#!/bin/sh\necho "${POSTERN_CONFIG-none}"\n')
    const program = install(folder)
    const configOf = (POSTERN_CONFIG: string): string =>
      execFileSync(program, ['check'], {
        encoding: 'utf8',
        env: { PATH: '/usr/bin:/bin', POSTERN_CONFIG },
      })
    expect([configOf(''), configOf('/etc/postern')]).toEqual(['none\n', '/etc/postern\n'])
  })

  test('finds its package through symlinks, absolute and relative', () => {
    const node = join(folder, 'app/node_modules/.bin/node')
    fakeNode(node)
    install(join(folder, 'app'))
    symlinkSync('app/bin/postern', join(folder, 'relative'))
    symlinkSync(join(folder, 'relative'), join(folder, 'absolute'))
    expect(launch(join(folder, 'absolute'))).toMatchObject({ node })
  })

  test('finds the Node of the package it is a dependency of', () => {
    const node = join(folder, 'node_modules/.bin/node')
    fakeNode(node)
    expect(launch(install(join(folder, 'node_modules/postern')))).toMatchObject({ node })
  })

  test('runs the JavaScript of a package, by its own launcher and by the one of the application', () => {
    const node = join(folder, 'node_modules/.bin/node')
    fakeNode(node)
    const root = join(folder, 'node_modules/postern')
    const program = join(root, 'dist/app/src/cli/main.js')
    mkdirSync(dirname(program), { recursive: true })
    for (const path of [program, join(root, 'package.json')]) writeFileSync(path, '')
    expect(launch(install(root))).toMatchObject({ node, parameters: [program] })
    const { node: found, parameters } = launch(install(join(root, 'dist/app')))
    expect(realpathSync(found ?? '')).toBe(node)
    expect(parameters).toEqual([program])
  })

  test('takes the Node on the path when it is new enough', () => {
    const node = join(folder, 'system/node')
    fakeNode(node, 'v24.21.0')
    const run = launch(install(join(folder, 'app')), [], `${dirname(node)}:/usr/bin:/bin`)
    expect(run).toMatchObject({ node, sameProcess: true })
  })

  test('says what to do when there is only an old Node', () => {
    const node = join(folder, 'system/node')
    fakeNode(node, 'v20.20.2')
    const run = launch(install(join(folder, 'app')), [], `${dirname(node)}:/usr/bin:/bin`)
    expect(run.status).toBe(127)
    expect(run.stderr).toBe(
      `postern: Node 24 or newer is needed, ${node} is v20.20.2: run 'npm install' in ${join(folder, 'app')}\n`,
    )
  })
})

test('tests run on the pinned Node', () => {
  const pinned = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url))
  expect(execFileSync(pinned, ['--version'], { encoding: 'utf8' }).trim()).toBe(process.version)
})
