/** Our tcprules against Debian's (package ucspi-tcp), and our cdb against tinycdb's `cdb`; skipped where they are missing. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isMissing } from '../../test/setup/components.ts'
import { readAtBytes } from './cdb.ts'
import { openCdb } from './cdb-reader.ts'
import { formatCdbmake } from './cdb-text.ts'
import { buildCdb } from './cdb-writer.ts'
import { findTcpRule, tcpRulesOfText } from './tcprules-lookup.ts'
import { compileTcpRules, parseTcpRules } from './tcprules.ts'

const tcprules = '/usr/bin/tcprules'
const tcprulescheck = '/usr/bin/tcprulescheck'
const cdb = '/usr/bin/cdb'
const RUNS = { numRuns: 60 }

const folder = join(tmpdir(), `postern-formats-${process.pid}`)
beforeAll(() => {
  mkdirSync(folder)
})
afterAll(() => rmSync(folder, { recursive: true }))

const octet = fc.constantFrom('1', '2', '9-11', '250-300', '1.2', 'x')
const address = fc.oneof(
  fc.array(octet, { maxLength: 4 }).map((parts) => parts.join('.')),
  fc.array(octet, { maxLength: 3 }).map((parts) => `${parts.join('.')}.`),
  fc.constantFrom('', '=', '=a.b', '=.b', 'joe@1.2.1.2', 'joe@=a.b', ' 1.', '1. '),
)
const setting = fc.constantFrom(
  '',
  ',A="b"',
  ',A=/b/,C=++',
  ',A',
  ',A=',
  ',A=bb',
  ',"',
  ' ',
  '\t',
  '\r',
)
const verb = fc.constantFrom('allow', 'deny', 'allow', 'deny', 'permit')
const line = fc.oneof(
  fc.tuple(address, verb, setting).map(([where, what, more]) => `${where}:${what}${more}`),
  fc.constantFrom('', '# no', 'nothing'),
)
const rules = fc.array(line, { maxLength: 6 }).map((lines) => lines.join('\n'))

describe.skipIf(isMissing('tcprules'))("Debian's tcprules", () => {
  const compiled = join(folder, 'rules.cdb')

  test('writes the same bytes, or dies of the same line', () => {
    fc.assert(
      fc.property(rules, (text) => {
        const theirs = spawnSync(tcprules, [compiled, `${compiled}.tmp`], { input: text })
        const ours = parseTcpRules(Buffer.from(text))
        const [first] = ours.mistakes
        expect(theirs.status).toBe(first === undefined ? 0 : 100)
        const died = first === undefined ? '' : `unable to parse this line: ${first.text}\n`
        expect(theirs.stderr.toString().replace('tcprules: fatal: ', '')).toBe(died)
        const written = first === undefined ? readFileSync(compiled) : compileTcpRules(ours)
        expect(Buffer.compare(written, compileTcpRules(ours))).toBe(0)
      }),
      RUNS,
    )
  })

  test('gives a client the same rule', () => {
    const client = fc.record({
      ip: fc.constantFrom('1.2.1.2', '1.2.9.1', '10.1.1.1', '250.1.1.1'),
      host: fc.constantFrom(undefined, '', 'a.b', 'x.a.b'),
      info: fc.constantFrom(undefined, '', 'joe'),
    })
    fc.assert(
      fc.property(rules, client, (text, { ip, host, info }) => {
        const ours = parseTcpRules(Buffer.from(text))
        fc.pre(ours.mistakes.length === 0)
        writeFileSync(compiled, compileTcpRules(ours))
        const env = {
          TCPREMOTEIP: ip,
          ...(host === undefined ? {} : { TCPREMOTEHOST: host }),
          ...(info === undefined ? {} : { TCPREMOTEINFO: info }),
        }
        const theirs = spawnSync(tcprulescheck, [compiled], { env }).stdout.toString()
        const found = findTcpRule(tcpRulesOfText(ours), { ip, host, info })
        const first = found === undefined ? 'default:' : `rule ${found.rule.key}:`
        expect(theirs.split('\n')[0]).toBe(first)
        expect(theirs).toContain(`${found?.action ?? 'allow'} connection\n`)
      }),
      RUNS,
    )
  })
})

describe.skipIf(isMissing('tinycdb'))("tinycdb's cdb", () => {
  const file = join(folder, 'tiny.cdb')
  const entries = fc.array(fc.tuple(fc.uint8Array({ maxLength: 9 }), fc.uint8Array()), {
    maxLength: 30,
  })

  test('writes the same bytes, and prints our files as we do', () => {
    fc.assert(
      fc.property(entries, (list) => {
        const text = formatCdbmake(list)
        expect(spawnSync(cdb, ['-c', file], { input: text }).status).toBe(0)
        const ours = buildCdb(list)
        expect(Buffer.compare(readFileSync(file), ours)).toBe(0)
        const printed = spawnSync(cdb, ['-d', file]).stdout
        expect(Buffer.compare(printed, formatCdbmake(openCdb(readAtBytes(ours)).entries()))).toBe(0)
      }),
      RUNS,
    )
  })
})
