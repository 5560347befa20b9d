/**
 * What the real qmail-inject made of 274 messages, and of 200 that were made at random. Bytes are written as Latin-1 text; `@DATE@` and `@MID@` stand for the
 * time and the process.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { illegalOption } from '../../src/formats/getopt.ts'
import { parseInjectOptions } from '../../src/formats/inject/inject-options.ts'
import { latin1Bytes, readable } from '../../src/formats/octets.ts'
import { systemClock } from '../../src/runtime/node/clock.ts'
import { nodePrograms } from '../../src/runtime/node/programs.ts'
import { inject } from '../../src/formats/inject/inject.ts'
import { injectAsCalled } from '../../src/tools/inject.ts'

interface Vector {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly stdin: string
  readonly rc: number
  readonly stderr: string
  readonly queued_msg: string | null
  readonly envelope: string | null
}

const cases = vectorsOf('qmail-inject.json')

function vectorsOf(name: string): readonly Vector[] {
  const file = new URL(`../fixtures/qmail/${name}`, import.meta.url)
  const { cases: read }: { cases: readonly Vector[] } = JSON.parse(readFileSync(file, 'utf8'))
  return read
}

const control = {
  defaultDomain: 'dd.example',
  defaultHost: 'dh.example',
  plusDomain: 'plus.example',
  idHost: 'id.example',
}

/** A queue that keeps what it is handed. */
function queueIn(folder: string): string {
  const path = join(folder, 'queue.sh')
  writeFileSync(path, `#!/bin/sh\ncat >'${folder}/message'\ncat <&1 >'${folder}/envelope'\n`)
  chmodSync(path, 0o755)
  return path
}

interface Answer {
  readonly rc: number
  readonly err: string
  readonly message: string | null
  readonly envelope: string | null
}

async function run({ args, env, stdin }: Vector): Promise<Answer> {
  const options = parseInjectOptions(args)
  if ('illegal' in options) {
    const err = illegalOption('qmail-inject', options.illegal)
    return { rc: 100, err, message: null, envelope: null }
  }
  const folder = mkdtempSync(join(tmpdir(), 'postern-inject-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const queue = queueIn(folder)
  const environment = new Map([
    ...Object.entries(env),
    ['PATH', '/usr/bin:/bin'],
    ['QMAILQUEUE', queue],
  ])
  const { exit, err } = await injectAsCalled({
    options,
    message: Buffer.from(stdin, 'latin1'),
    control,
    queue: { programs: nodePrograms(systemClock), environment, otherwise: ['/nowhere'] },
    pid: 4711,
  })
  const kept = (name: string): string | null =>
    exit === 0 ? readFileSync(join(folder, name), 'latin1') : null
  return {
    rc: exit,
    err: Buffer.from(err).toString('latin1'),
    message: kept('message'),
    envelope: kept('envelope'),
  }
}

/** The programs' environment was Latin-1 and ours is UTF-8: the same letters count as the same. */
function timeless(message: string | null): string | undefined {
  if (message === null) return undefined
  return readable(latin1Bytes(message))
    .replace(/^((?:Resent-)?Date: )\d+ \w+ \d{4} \d\d:\d\d:\d\d -0000$/gm, '$1@DATE@')
    .replace(/<\d{14}\.\d+\.qmail@/g, '<@MID@.qmail@')
}

/** With `m` in QMAILINJECT, a message has a sender of its own. */
function withoutNumbers(envelope: string | null): string | undefined {
  return envelope?.replace(/-\d{10}\.\d+(?=[-@])/, '-T.P')
}

/** Without a queue: the same that `run` finds there. */
function injected({ args, env, stdin }: Vector): Answer {
  const options = parseInjectOptions(args)
  if ('illegal' in options) throw new Error('no such option')
  const injection = inject(stdin, {
    ...control,
    ...options,
    variables: new Map(Object.entries(env)),
    defaultHost: env['QMAILDEFAULTHOST'] ?? control.defaultHost,
    defaultDomain: env['QMAILDEFAULTDOMAIN'] ?? control.defaultDomain,
    plusDomain: env['QMAILPLUSDOMAIN'] ?? control.plusDomain,
    idHost: env['QMAILIDHOST'] ?? control.idHost,
    now: Date.UTC(2026, 10, 22),
    pid: 4711,
  })
  if (!injection.ok) {
    return {
      rc: 100,
      err: `qmail-inject: fatal: ${injection.problem}`,
      message: null,
      envelope: null,
    }
  }
  const { message, sender, recipients } = injection
  const envelope = `F${sender}\0${recipients.map((each) => `T${each}\0`).join('')}\0`
  return { rc: 0, err: '', message, envelope }
}

describe('qmail-inject', () => {
  test('is known by 274 vectors', () => {
    expect(cases).toHaveLength(274)
  })

  test.each(cases.map((vector, index) => [index, vector.stdin.slice(0, 40), vector] as const))(
    'message %i: %j',
    async (_, _beginning, vector) => {
      const { rc, err, message, envelope } = await run(vector)
      expect({
        rc,
        err,
        message: timeless(message),
        envelope: withoutNumbers(envelope),
      }).toEqual({
        rc: vector.rc,
        err: vector.stderr,
        message: rc === 0 ? timeless(vector.queued_msg) : undefined,
        envelope: rc === 0 ? withoutNumbers(vector.envelope) : undefined,
      })
    },
  )

  test('reads anything that may stand in a header, or refuses it in the same words', () => {
    const random = vectorsOf('qmail-inject-random.json').filter(
      ({ stderr }) => !/ illegal option | requires an argument /.test(stderr),
    )
    expect(random.length).toBeGreaterThan(150)
    for (const vector of random) {
      const { rc, err, message, envelope } = injected(vector)
      expect({ rc, err, message: timeless(message), envelope: withoutNumbers(envelope) }).toEqual({
        rc: vector.rc,
        err: vector.stderr,
        message: timeless(vector.queued_msg),
        envelope: withoutNumbers(vector.envelope),
      })
    }
  })

  test('refuses an address with a NUL, which no envelope can hold', () => {
    const vector = { args: [], env: {}, stdin: 'To: jo\0e@x.com\n\n', rc: 100, stderr: '' }
    const { rc, err } = injected({ ...vector, queued_msg: null, envelope: null })
    expect(rc).toBe(100)
    expect(err).toContain('unable to parse address: jo\0e@x.com')
  })
})
