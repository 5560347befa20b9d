/** The rules themselves, each held against a sample that breaks it and one that does not. */
import { describe, expect, test } from 'vitest'
import { describeComplaint, type Complaint } from './complaint.ts'
import { checkCycles } from './cycles.ts'
import { checkDoors } from './doors.ts'
import { checkUnusedExports } from './exports.ts'
import { checkHousePlan, checkPluginFolders } from './folders.ts'
import { checkPages } from './pages.ts'
import { checkImports } from './rooms.ts'
import { checkShape } from './shape.ts'
import { parseSource, parseTree } from './source-file.ts'
import { checkTraces } from './traces.ts'

const packages = {
  dependencies: new Set(['yaml', 're2js']),
  devDependencies: new Set(['vitest', 'preact']),
}

const imports = (path: string, text: string): readonly Complaint[] =>
  checkImports([parseSource(path, text)], packages)
const doors = (path: string, text: string): readonly Complaint[] =>
  checkDoors([parseSource(path, text)])
const shape = (path: string, text: string): readonly Complaint[] =>
  checkShape([parseSource(path, text)])

describe('a complaint', () => {
  test('names the file, the line, the rule and the way out', () => {
    const [complaint] = doors('src/smtp/receiver.ts', '\n\nconst at = Date.now()\n')
    expect(complaint && describeComplaint(complaint)).toBe(
      'src/smtp/receiver.ts:3: calls Date.now. Take the clock door (src/runtime/clock.ts).',
    )
  })
})

describe('the import table', () => {
  test.each([
    ['src/mail/address.ts', "import { cdb } from '../formats/cdb.ts'"],
    ['src/smtp/receiver.ts', "import { Chain } from '../filter/chain.ts'"],
    ['src/smtp/receiver.ts', "import type { Chain } from '../filter/chain.ts'"],
    ['src/smtp/receiver.ts', "import { pass } from '../plugin/verdict.ts'"],
    ['src/smtp/receiver.ts', "export { pass } from '../plugin/verdict.ts'"],
    ['src/filter/policy.ts', "import { Policy } from '../smtp/policy.ts'"],
    ['src/filter/policy.ts', "const policy = await import('../smtp/replies.ts')"],
    ['src/queue/log.ts', "let fake: import('../testkit/disk.ts').FakeDisk"],
    ['src/admin/pages.ts', "import { load } from '../config/load.ts'"],
    ['src/admin/pages.ts', "import { Shell } from './ui/shell.tsx'"],
    ['src/admin/pages.ts', "import { render } from 'preact'"],
    ['src/admin/ui/shell.tsx', "import { Session } from '../schemas/access.ts'"],
    ['src/admin/ui/shell.tsx', "import type { Route } from '../route.ts'"],
    ['src/queue/log.ts', "import { test } from '../../test/setup/components.ts'"],
    ['src/filter/loader.ts', "import { definePlugin } from 'postern/plugin'"],
    ['src/stuff/thing.ts', "import { Domain } from '../mail/domain.ts'"],
    ['src/queue/log.ts', "import { parse } from 'yaml'"],
    ['src/queue/log.ts', "import { test } from 'vitest'"],
    ['src/queue/log.ts', "import split from 'left-pad/split'"],
    ['plugins/spf/spf.ts', "import { check } from '../dkim/check.ts'"],
    ['plugins/spf/spf.ts', "import { Chain } from '../../src/filter/chain.ts'"],
    ['plugins/spf/spf.ts', "import { sessionFor } from 'postern/testkit'"],
    ['plugins/local/tags/tags.ts', "import { other } from '../other/other.ts'"],
  ])('refuses in %s: %s', (path, text) => {
    expect(imports(path, text)).toHaveLength(1)
  })

  test.each([
    ['src/smtp/receiver.ts', "import type { Verdict } from '../plugin/verdict.ts'"],
    ['src/smtp/receiver.ts', "import { type Verdict } from '../plugin/verdict.ts'"],
    ['src/smtp/receiver.test.ts', "import { pass } from '../plugin/verdict.ts'"],
    ['src/smtp/receiver.test.ts', "import { FakeClock } from '../testkit/clock.ts'"],
    ['src/filter/policy.ts', "import type { Policy } from '../smtp/policy.ts'"],
    ['src/compose.ts', "import { Receiver } from './smtp/receiver.ts'"],
    ['src/admin/ui/shell.tsx', "import type { Session } from '../schemas/access.ts'"],
    ['src/admin/ui/shell.tsx', "import { render } from 'preact'"],
    ['test/bench/main.ts', "import { Chain } from '../../src/filter/chain.ts'"],
    ['plugins/dmarc/dmarc.ts', "import { spfResult } from '../spf/findings.ts'"],
    ['plugins/dmarc/dmarc.ts', "import { verify } from '../shared/mailauth/verify.ts'"],
    ['plugins/local/tags/tags.ts', "import { spfResult } from '../../spf/findings.ts'"],
    ['plugins/spf/spf.test.ts', "import { sessionFor } from 'postern/testkit'"],
  ])('allows in %s: %s', (path, text) => {
    expect(imports(path, text)).toEqual([])
  })
})

describe('import cycles', () => {
  test('are shown as the way round', () => {
    const files = parseTree(
      new Map([
        ['src/a/one.ts', "import { two } from './two.ts'\n"],
        ['src/a/two.ts', "import { three } from '../b/three.ts'\n"],
        ['src/b/three.ts', "import type { One } from '../a/one.ts'\n"],
      ]),
    )
    expect(checkCycles(files).map(({ problem }) => problem)).toEqual([
      'closes an import cycle: src/a/one.ts → src/a/two.ts → src/b/three.ts → src/a/one.ts',
    ])
  })

  test('are not seen where two ways lead to one file', () => {
    const files = parseTree(
      new Map([
        ['src/a/one.ts', "import './two.ts'\nimport './three.ts'\n"],
        ['src/a/two.ts', "import './three.ts'\n"],
        ['src/a/three.ts', 'export const three = 3\n'],
      ]),
    )
    expect(checkCycles(files)).toEqual([])
  })
})

describe('the doors', () => {
  test.each([
    "import { readFile } from 'node:fs/promises'",
    "import net from 'net'",
    "import type { Socket } from 'node:net'",
    "export { connect } from 'node:tls'",
    "const { DatabaseSync } = await import('node:sqlite')",
    'const at = Date.now()',
    'const at = new Date()',
    'setTimeout(() => {}, 10)',
    'const id = Math.random()',
    "import { randomUUID } from 'node:crypto'\nrandomUUID()",
    'crypto.getRandomValues(new Uint8Array(8))',
    "console.log('hello')",
    'process.exit(1)',
  ])('are missed by: %s', (text) => {
    expect(doors('src/smtp/receiver.ts', text)).toHaveLength(1)
    expect(doors('plugins/greylist/greylist.ts', text)).toHaveLength(1)
  })

  test.each([
    ['src/smtp/receiver.ts', 'const at = clock.now()'],
    ['src/smtp/receiver.ts', 'const at = new Date(instant)'],
    ['src/smtp/receiver.ts', 'clock.setTimeout(wake, 10)'],
    ['src/smtp/receiver.ts', "const note = 'console.log(Date.now())' // Math.random()"],
    ['src/smtp/receiver.ts', 'const start = ({ process }: Doors) => process.spawn()'],
    ['src/smtp/receiver.test.ts', "import { readFileSync } from 'node:fs'"],
    ['src/runtime/disk.ts', "import { open } from 'node:fs/promises'"],
    ['src/main.ts', "process.once('SIGTERM', close)"],
    ['src/cli/check.ts', "process.stdout.write('fine')"],
    ['src/testkit/clock.ts', 'setTimeout(give, 0)'],
    ['src/admin/ui/browser/clock.ts', 'setTimeout(give, 0)'],
    ['test/crash/kill.ts', "import { spawn } from 'node:child_process'"],
  ])('are not missed in %s by: %s', (path, text) => {
    expect(doors(path, text)).toEqual([])
  })

  test.each([
    ['src/runtime/log.ts', "console.log('ready')"],
    ['src/cli/check.ts', "import { readFileSync } from 'node:fs'"],
    ['src/testkit/disk.ts', "import { open } from 'node:fs/promises'"],
    ['src/compose.ts', 'process.exit(1)'],
  ])('stay closed in %s to: %s', (path, text) => {
    expect(doors(path, text)).toHaveLength(1)
  })
})

describe('the shape of a file', () => {
  test.each([
    ['src/smtp/utils.ts', ''],
    ['src/helpers/lines.ts', ''],
    ['plugins/spf/common.test.ts', ''],
    ['src/queue/log.ts', '\n'.repeat(401)],
    ['src/queue/log.test.ts', '\n'.repeat(601)],
    ['src/queue/log.ts', 'export default 1'],
    ['src/queue/log.ts', "export * from './segment.ts'"],
    ['src/queue/log.ts', "export * as segment from './segment.ts'"],
    ['src/queue/log.ts', 'export enum State { Held }'],
    ['src/queue/log.ts', 'export const open = (x: any) => x'],
    ['src/queue/log.ts', 'export const size = (x: Entry) => x as unknown as number'],
    ['src/queue/log.ts', 'export class Log { constructor(private readonly disk: Disk) {} }'],
    ['src/queue/log.ts', 'namespace Log { export const size = 1 }'],
    ['src/queue/log.test.ts', "vi.mock('node:fs')"],
    ['src/queue/log.ts', 'let open = 0'],
    ['src/queue/log.ts', 'export let open = 0'],
    ['src/queue/log.ts', 'const open = new Map<string, Draft>()'],
    ['src/queue/log.ts', 'register(log)'],
    ['src/queue/log.ts', '// @ts-ignore\nexport const x = 1'],
    ['src/queue/log.ts', '// @ts-expect-error\nexport const x = 1'],
    ['src/queue/log.ts', '// oxlint-disable-next-line eqeqeq\nexport const x = 1'],
    ['src/queue/log.ts', '// TODO: sync\nexport const x = 1'],
  ])('is refused in %s: %j', (path, text) => {
    expect(shape(path, text)).toHaveLength(1)
  })

  test.each([
    ['src/queue/log.ts', '\n'.repeat(400)],
    ['src/queue/log.ts', "const states = new Map([['held', 1]])"],
    ['src/queue/log.ts', "const kinds = ['a', 'b'] as const"],
    ['src/queue/log.ts', 'export const open = () => { let size = 0; return (size += 1) }'],
    ['src/queue/log.ts', '// oxlint-disable-next-line eqeqeq -- null and undefined alike\n'],
    ['src/queue/log.test.ts', "let log\ntest('it opens', () => {})"],
    ['src/main.ts', 'await start()'],
    ['plugins/dkim/verify.worker.ts', 'serve(verify)'],
    ['test/types/wrong.ts', '// @ts-expect-error a number is no verdict\nexport const x = 1'],
    ['vitest.config.ts', 'export default {}'],
  ])('is fine in %s: %j', (path, text) => {
    expect(shape(path, text)).toEqual([])
  })
})

describe('an export', () => {
  const unused = (files: Record<string, string>): readonly string[] => {
    const tree = new Map(Object.entries(files))
    return checkUnusedExports(tree, parseTree(tree)).map(({ problem }) => problem)
  }

  test('that nobody names is refused, be it a function, a class or a value', () => {
    const text = 'export function a() {}\nexport class B {}\nexport const c = 1\nc + c\n'
    expect(unused({ 'src/queue/log.ts': text, 'src/queue/segment.ts': '' })).toEqual([
      'exports a, which no other file names',
      'exports B, which no other file names',
      'exports c, which no other file names',
    ])
  })

  test('that another file or a test names, and a type, are fine', () => {
    const text = 'export const a = 1\nexport const b = 1\nexport interface C {}\n'
    const users = { 'src/queue/log.test.ts': 'a', 'src/smtp/x.ts': 'b' }
    expect(unused({ 'src/queue/log.ts': text, ...users })).toEqual([])
  })
})

describe('traces of a machine', () => {
  // Put together here, so that this file does not break its own rule.
  const rooted = (...parts: string[]): string => ['', ...parts].join('/')

  test.each([
    rooted('work', 'main', 'src'),
    rooted('root', '.npmrc'),
    `https:/${rooted(['registry', 'npmjs', 'org'].join('.'), 'yaml')}`,
    ['//localhost/:_authToken', 'x'].join('='),
  ])('are found: %s', (line) => {
    expect(checkTraces(new Map([['README.md', `one\n${line}\n`]]))).toMatchObject([{ line: 2 }])
  })

  test.each(['src/work/x', 'homework/essay', 'https://example.org/work/', '/var/qmail/control'])(
    'are not seen in: %s',
    (line) => {
      expect(checkTraces(new Map([['README.md', line]]))).toEqual([])
    },
  )
})

describe('the house plan', () => {
  test('must name every room', () => {
    const tree = new Map([
      ['src/README.md', '| `queue/` | the spool |'],
      ['src/queue/log.ts', ''],
      ['src/smtp/receiver.ts', ''],
    ])
    expect(checkHousePlan(tree).map(({ problem }) => problem)).toEqual(['does not name src/smtp/'])
  })
})

describe('a page', () => {
  const complaints = (text: string): readonly string[] =>
    checkPages(
      new Map([
        ['src/queue/README.md', text],
        ['src/queue/log.ts', ''],
      ]),
    ).map(({ problem }) => problem)

  test.each([
    ['[a](gone.md)', 'points at gone.md, which is not there'],
    ['[a](../smtp)', 'points at ../smtp, which is not there'],
    [
      '# A heading\n[a](#another)',
      'points at #another, which is no heading of src/queue/README.md',
    ],
    ['see `gone.ts`', 'names gone.ts, which is not there'],
    ['see `smtp/log.ts`', 'names smtp/log.ts, which is not there'],
  ])('must not say %j', (text, problem) => {
    expect(complaints(text)).toEqual([problem])
  })

  test.each([
    '# A heading: `x`\n[a](#a-heading-x)',
    '[a](log.ts) [b](../queue) [c](https://example.org/x)',
    '`log.ts` `queue/log.ts` `*-log.ts`',
  ])('may say %j', (text) => {
    expect(complaints(text)).toEqual([])
  })
})

describe('a plugin folder', () => {
  const check = (files: Record<string, string>): readonly string[] => {
    const tree = new Map(Object.entries(files))
    return checkPluginFolders(tree, parseTree(tree)).map(
      ({ file, problem }) => `${file} ${problem}`,
    )
  }
  const definition = 'export const x = definePlugin({})\n'

  test('with code, test and page is complete, and may hold more', () => {
    expect(
      check({
        'plugins/README.md': '',
        'plugins/spf/spf.ts': definition,
        'plugins/spf/spf.test.ts': '',
        'plugins/spf/findings.ts': '',
        'plugins/spf/README.md': '',
        'plugins/local/README.md': '',
        'plugins/shared/dns-list/zone.ts': '',
        'plugins/shared/dns-list/zone.test.ts': '',
      }),
    ).toEqual([])
  })

  test('without a test or a page is not', () => {
    expect(check({ 'plugins/local/tags/tags.ts': definition })).toEqual([
      'plugins/local/tags/tags.test.ts is missing',
      'plugins/local/tags/README.md is missing',
    ])
  })

  test('holds one plugin, in the file named as the folder', () => {
    expect(
      check({
        'plugins/spf/spf.ts': definition + definition,
        'plugins/spf/other.ts': definition,
        'plugins/spf/spf.test.ts': definition,
        'plugins/spf/README.md': '',
      }),
    ).toEqual([
      'plugins/spf/spf.ts defines a plugin here',
      'plugins/spf/other.ts defines a plugin here',
    ])
  })

  test('under shared/ holds an engine with a test and no plugin', () => {
    expect(check({ 'plugins/shared/dns-list/zone.ts': definition })).toEqual([
      'plugins/shared/dns-list has no test',
      'plugins/shared/dns-list/zone.ts defines a plugin here',
    ])
  })
})
