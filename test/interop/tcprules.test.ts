/**
 * `postern tcprules` and `tcprulescheck` beside the originals (Debian's ucspi-tcp): the same bytes, the same words on
 * stderr and the same exit codes, on inputs that nobody chose.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TcpClient } from '../../src/formats/tcprules-lookup.ts'
import { checkRules, compileRules, type ProgramEnd } from '../../src/tools/tcprules.ts'
import { isMissing } from '../setup/components.ts'
import { runPostern } from '../end-to-end/started-gateway.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-tcprules-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A thousand inputs by default; POSTERN_RUNS asks for more. */
const RUNS = { numRuns: Number(process.env['POSTERN_RUNS'] ?? 1_000) }

const number = fc.oneof(
  fc.integer({ min: 0, max: 300 }).map(String),
  fc.constantFrom('', '-', '1-3', '9-', '-9', '250-300', '7-3', 'x', '1-2-3'),
)
const address = fc.oneof(
  fc.array(number, { maxLength: 5 }).map((parts) => parts.join('.')),
  fc.array(number, { maxLength: 4 }).map((parts) => `${parts.join('.')}.`),
  fc.constantFrom(
    '',
    '=',
    '=a.b',
    '=.b',
    'joe@1.2.3.4',
    'joe@=a.b',
    ' 1.',
    '/',
    '[::1]',
    '1.2.3.0/24',
  ),
)
const value = fc.string({ maxLength: 5, unit: fc.constantFrom('a', '"', ',', '=', ' ', '\0', 'é') })
const setting = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('A', 'RELAYCLIENT', '', 'a b'),
      fc.constantFrom('"', '/', '+', 'é'),
      value,
    )
    .map(([name, quote, text]) => `,${name}=${quote}${text}${quote}`),
  fc.constantFrom(',A', ',A=', ',', ' ', '\t', '\r', '\0', 'x'),
)
const instructions = fc
  .tuple(
    fc.constantFrom('allow', 'deny', 'allow', 'deny', 'permit', ''),
    fc.array(setting, { maxLength: 3 }),
  )
  .map(([verb, settings]) => verb + settings.join(''))
const line = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.tuple(address, instructions).map(([where, what]) => `${where}:${what}`),
  },
  { weight: 1, arbitrary: fc.constantFrom('', '# no', 'nothing', ' # no', '\0') },
)
const noise = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'))
const rules = fc
  .array(fc.oneof({ weight: 30, arbitrary: line }, { weight: 1, arbitrary: noise }), {
    maxLength: 8,
  })
  .chain((lines) => fc.constantFrom(lines.join('\n'), `${lines.join('\n')}\n`))

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}

const shown = ({ exit, stdout, stderr }: ProgramEnd): unknown => ({ exit, stdout, stderr })

function original(
  program: string,
  args: readonly string[],
  how: { input?: Uint8Array; env?: NodeJS.ProcessEnv },
): unknown {
  const { status, stdout, stderr } = spawnSync(program, args, how)
  return { exit: status, stdout: stdout.toString('latin1'), stderr: stderr.toString('latin1') }
}

const octets = fc.constantFrom('1', '2', '3', '9', '250', '255')
const client: fc.Arbitrary<TcpClient> = fc.record({
  ip: fc.oneof(
    fc.array(octets, { minLength: 4, maxLength: 4 }).map((parts) => parts.join('.')),
    fc.constantFrom('1.2.3.4', '', '0.0.0.0', 'junk', '::1'),
  ),
  host: fc.constantFrom(undefined, '', 'a.b', 'x.a.b', '.b', 'b'),
  info: fc.constantFrom(undefined, '', 'joe'),
})

describe.skipIf(isMissing('tcprules'))('beside the original', () => {
  const cdb = (): string => join(folder, 'rules.cdb')
  const compile = (input: Uint8Array, extended = false): Promise<ProgramEnd> =>
    compileRules({ cdb: cdb(), temporary: `${cdb()}.tmp`, extended, input: once(input) })

  test('tcprules writes the same bytes, or dies of the same line in the same words', async () => {
    await fc.assert(
      fc.asyncProperty(rules, async (text) => {
        const input = Buffer.from(text, 'latin1')
        writeFileSync(cdb(), 'before')
        const theirs = original('/usr/bin/tcprules', [cdb(), `${cdb()}.tmp`], { input })
        const theirBytes = readFileSync(cdb())
        writeFileSync(cdb(), 'before')
        expect(shown(await compile(input))).toEqual(theirs)
        expect(readFileSync(cdb()).equals(theirBytes)).toBe(true)
      }),
      RUNS,
    )
  }, 300_000)

  test('tcprulescheck says the same of every client', async () => {
    await fc.assert(
      fc.asyncProperty(
        rules,
        fc.array(client, { minLength: 1, maxLength: 3 }),
        async (text, clients) => {
          const { exit } = await compile(Buffer.from(text, 'latin1'))
          if (exit !== 0) return
          for (const each of clients) {
            const { ip, host, info } = each
            const env = {
              TCPREMOTEIP: ip,
              ...(host === undefined ? {} : { TCPREMOTEHOST: host }),
              ...(info === undefined ? {} : { TCPREMOTEINFO: info }),
            }
            const theirs = original('/usr/bin/tcprulescheck', [cdb()], { env })
            expect(shown(await checkRules(cdb(), each))).toEqual(theirs)
          }
        },
      ),
      RUNS,
    )
  }, 300_000)

  // A file that is cut within its last table may still hold the answer; ours does not look for it there.
  test('both refuse the same files in the same words', async () => {
    await compile(Buffer.from('1.2.3.4:deny\n:allow,A="b"\n'))
    const whole = readFileSync(cdb())
    for (const length of [0, 1, 2047, 2048, 2060]) {
      const path = join(folder, `cut-${length}.cdb`)
      writeFileSync(path, whole.subarray(0, length))
      const env = { TCPREMOTEIP: '1.2.3.4' }
      const theirs = original('/usr/bin/tcprulescheck', [path], { env })
      expect({ length, ...(await checkRules(path, { ip: '1.2.3.4' })) }).toEqual({
        length,
        ...Object(theirs),
      })
    }
  })

  test('the original reads what -6 wrote, and gives dotted clients the same rule', async () => {
    const text = '[2001:db8::]/32:deny\n192.0.2.0/25:deny\n192.0.2.:allow,A="b"\n'
    expect(await compile(Buffer.from(text), true)).toMatchObject({ exit: 0 })
    const env = { TCPREMOTEIP: '192.0.2.200' }
    expect(original('/usr/bin/tcprulescheck', [cdb()], { env })).toMatchObject({
      stdout: 'rule 192.0.2.:\nset environment variable A=b\nallow connection\n',
    })
    expect(await checkRules(cdb(), { ip: '192.0.2.100' })).toMatchObject({
      stdout: 'rule 192.0.2.0/25:\ndeny connection\n',
    })
    expect(await checkRules(cdb(), { ip: '2001:db8::9' })).toMatchObject({
      stdout: 'rule [2001:db8::]/32:\ndeny connection\n',
    })
  })
})

describe('postern tcprules', () => {
  test('takes rules on stdin, and with -6 addresses and networks that the original does not know', async () => {
    const cdb = join(folder, 'own.cdb')
    const rulesText = '[2001:db8::1]:allow,A="b"\n:deny\n'
    const plain = await runPostern(['tcprules', cdb, `${cdb}.tmp`], rulesText)
    expect(plain).toEqual({
      code: 100,
      stdout: '',
      stderr: 'tcprules: fatal: unable to parse this line: [2001:db8::1]:allow,A="b"\n',
    })
    expect(existsSync(cdb)).toBe(false)
    expect(await runPostern(['tcprules', '-6', cdb, `${cdb}.tmp`], rulesText)).toMatchObject({
      code: 0,
    })
    expect(await runPostern(['tcprulescheck', cdb])).toEqual({
      code: 0,
      stdout: 'rule :\ndeny connection\n',
      stderr: '',
    })
  })
})
