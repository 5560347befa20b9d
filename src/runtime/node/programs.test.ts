import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { fakeClock } from '../../testkit/fake-clock.ts'
import type { ProgramCall, ProgramEnd } from '../programs.ts'
import { systemClock } from './clock.ts'
import { nodePrograms } from './programs.ts'

const patient = new AbortController().signal
const path = new Map([['PATH', '/usr/bin:/bin']])
const programs = nodePrograms(systemClock)

/** A script of the test's own, as the operator would name a program. */
function script(text: string, call: Partial<ProgramCall> = {}): ProgramCall {
  return { command: ['/bin/sh', '-c', text], environment: path, ...call }
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const bytes = (text: string): Uint8Array => Buffer.from(text)
const textOf = (chunk: Uint8Array | undefined): string => Buffer.from(chunk ?? []).toString()

describe('a program', () => {
  test('ends with its exit code', async () => {
    expect(await programs.run(script('exit 111'), patient)).toMatchObject({ end: { exit: 111 } })
  })

  test('ends with the signal that ended it', async () => {
    const { end } = await programs.run(script('kill -USR1 $$'), patient)
    expect(end).toEqual({ signal: 'SIGUSR1' })
  })

  test('sees the environment that it is given and nothing else', async () => {
    const call: ProgramCall = {
      command: ['/usr/bin/env'],
      environment: new Map([['TCPREMOTEIP', '192.0.2.7']]),
      outputs: new Map([[1, 1000]]),
    }
    const { outputs } = await programs.run(call, patient)
    expect(textOf(outputs.get(1))).toBe('TCPREMOTEIP=192.0.2.7\n')
  })

  test('gets its arguments as they are: no shell reads them', async () => {
    const call: ProgramCall = {
      command: ['printf', '%s', '$(id); *'],
      environment: path,
      outputs: new Map([[1, 100]]),
    }
    expect(textOf((await programs.run(call, patient)).outputs.get(1))).toBe('$(id); *')
  })

  test('may hold so much memory, as all that it starts, or what we may hold ourselves', async () => {
    const call = script('ulimit -d; sh -c "ulimit -d"; printf %s "$0"', {
      outputs: new Map([[1, 100]]),
    })
    const limited = await programs.run({ ...call, memoryBytes: 900 << 20 }, patient)
    expect(textOf(limited.outputs.get(1))).toBe('921600\n921600\n/bin/sh')
    const { outputs } = await programs.run(call, patient)
    expect(textOf(outputs.get(1))).toMatch(/^(\w+)\n\1\n/)
  })

  test('may start no more than its user may have, nor may what it starts', async () => {
    const call = script('grep "^Max processes" /proc/self/limits', {
      outputs: new Map([[1, 1000]]),
      mostProcesses: 1234,
      memoryBytes: 900 << 20,
    })
    expect(textOf((await programs.run(call, patient)).outputs.get(1))).toMatch(/ 1234 +1234 /)
  })

  test('reads several descriptors and writes others', async () => {
    const call = script('cat <&3 >&4; cat; echo oops >&2', {
      inputs: new Map([
        [0, bytes('zero')],
        [3, bytes('three')],
      ]),
      outputs: new Map([
        [1, 100],
        [2, 100],
        [4, 100],
      ]),
    })
    const { outputs, overflowed } = await programs.run(call, patient)
    expect([1, 2, 4].map((each) => textOf(outputs.get(each)))).toEqual(['zero', 'oops\n', 'three'])
    expect(overflowed).toEqual(new Set())
  })

  test('can read its descriptor 1, as qmail-queue does', async () => {
    const call = script('cat <&1 >&4', {
      inputs: new Map([[1, bytes('Fa@b\0\0')]]),
      outputs: new Map([[4, 100]]),
    })
    expect(textOf((await programs.run(call, patient)).outputs.get(4))).toBe('Fa@b\0\0')
  })

  test('reads a file from its beginning, as often as it likes', async () => {
    async function* content(): AsyncGenerator<Uint8Array> {
      await Promise.resolve()
      yield bytes('one\n')
      yield bytes('two\n')
    }
    const call: ProgramCall = {
      command: ['perl', '-e', 'print <STDIN>; seek STDIN, 0, 0; print scalar <STDIN>'],
      environment: path,
      inputs: new Map([[0, { file: content() }]]),
      outputs: new Map([[1, 100]]),
    }
    const { outputs } = await programs.run(call, patient)
    expect(textOf(outputs.get(1))).toBe('one\ntwo\none\n')
  })

  test('that floods is read to its end, and what is too much is dropped', async () => {
    const call = script('head -c 3000000 /dev/zero', { outputs: new Map([[1, 1000]]) })
    const { end, outputs, overflowed } = await programs.run(call, patient)
    expect(end).toEqual({ exit: 0 })
    expect(outputs.get(1)).toHaveLength(1000)
    expect(overflowed).toEqual(new Set([1]))
  })

  test('may leave its input unread', async () => {
    const call = script('exit 7', { inputs: new Map([[0, new Uint8Array(3_000_000)]]) })
    expect(await programs.run(call, patient)).toMatchObject({ end: { exit: 7 } })
  })

  test('is fed from a source no faster than it reads', async () => {
    async function* source(): AsyncGenerator<Uint8Array> {
      for (let each = 0; each < 100; each += 1) {
        await Promise.resolve()
        yield new Uint8Array(50_000)
      }
    }
    const call = script('wc -c', { inputs: new Map([[0, source()]]), outputs: new Map([[1, 20]]) })
    const { outputs } = await programs.run(call, patient)
    expect(textOf(outputs.get(1)).trim()).toBe('5000000')
  })

  test('fails with the input that fails, and is ended', async () => {
    async function* source(): AsyncGenerator<Uint8Array> {
      yield bytes('begin')
      await Promise.resolve()
      throw new Error('the disk is gone')
    }
    const call = script('cat; exec sleep 100', { inputs: new Map([[0, source()]]) })
    await expect(programs.run(call, patient)).rejects.toMatchObject({ code: 'PROGRAM_FAILED' })
  })

  test('that does not exist is a fault with its name', async () => {
    const call: ProgramCall = { command: ['/nowhere/at-all'], environment: path }
    await expect(programs.run(call, patient)).rejects.toMatchObject({
      code: 'PROGRAM_FAILED',
      message: expect.stringContaining('/nowhere/at-all'),
    })
  })

  test('with a NUL in an argument is a fault, not a crash', async () => {
    const call: ProgramCall = { command: ['printf', 'a\0b'], environment: path }
    await expect(programs.run(call, patient)).rejects.toMatchObject({ code: 'PROGRAM_FAILED' })
  })

  test('ends with all that it started when the signal fires', async () => {
    const controller = new AbortController()
    const call = script('sleep 100 & echo begun >&4; wait', { outputs: new Map([[4, 10]]) })
    const running = programs.run(call, controller.signal)
    controller.abort()
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('that does not hear SIGTERM is killed', async () => {
    const clock = fakeClock()
    const running = await nodePrograms(clock).start(script("trap '' TERM; echo deaf; sleep 100"))
    const deaf = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<ProgramEnd>()
    running.attach({
      output: () => deaf.resolve(),
      complaint: () => undefined,
      drained: () => undefined,
      ended: (end) => ended.resolve(end),
    })
    await deaf.promise
    running.stop()
    clock.advance(2000)
    expect(await ended.promise).toEqual({ signal: 'SIGKILL' })
  })

  test('whose words nobody takes is not waited for longer than the signal says', async () => {
    const clock = fakeClock()
    const controller = new AbortController()
    const said = Promise.withResolvers<string>()
    const take = (chunk: Uint8Array): Promise<void> => {
      said.resolve(textOf(chunk))
      return new Promise(() => undefined)
    }
    const call = script('echo $$', { streams: new Map([[1, take]]) })
    const running = nodePrograms(clock).run(call, controller.signal)
    const pid = Number(await said.promise)
    await expect.poll(() => isThere(pid)).toBe(false)
    controller.abort()
    clock.advance(6000)
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('leaves nothing behind that would hold its pipes', async () => {
    const call = script('sleep 100 & exit 0', { outputs: new Map([[1, 10]]) })
    expect(await programs.run(call, patient)).toMatchObject({ end: { exit: 0 } })
  })

  test('that may leave something running is waited for while that holds its outputs, and ends nobody who holds none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'programs-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const call = script(
      `mkfifo in out
      { read line <in; echo "heard $line" >out; } >/dev/null 2>&1 &
      { cat /dev/null; echo late; } &`,
      {
        folder,
        lingerMs: 60_000,
        outputs: new Map([[1, 100]]),
      },
    )
    const { outputs } = await programs.run(call, patient)
    expect(textOf(outputs.get(1))).toBe('late\n')
    const said = readFile(join(folder, 'out'), 'utf8')
    await writeFile(join(folder, 'in'), 'this\n')
    expect(await said).toBe('heard this\n')
  })

  test('whose leftovers hold its outputs for longer than they may has them ended', async () => {
    const call = script('sleep 1000 & echo left', { lingerMs: 1, outputs: new Map([[1, 100]]) })
    const { end, outputs } = await programs.run(call, patient)
    expect([end, textOf(outputs.get(1))]).toEqual([{ exit: 0 }, 'left\n'])
  })

  test('whose leftovers are out of reach is not waited for once that is called off: how it ended is known', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'programs-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const call = script('setsid sleep 1000 & echo $! >left; echo $$ >new; mv new own', {
      folder,
      lingerMs: 600_000,
      outputs: new Map([[1, 100]]),
    })
    const controller = new AbortController()
    const running = programs.run(call, controller.signal)
    await vi.waitUntil(() => existsSync(join(folder, 'own')), { timeout: 60_000 })
    const [own, left] = ['own', 'left'].map((name) => Number(readFileSync(join(folder, name))))
    onTestFinished(() => void process.kill(left!))
    // Node hears of its end when it takes it away.
    await vi.waitUntil(() => !existsSync(`/proc/${own}`), { timeout: 60_000 })
    controller.abort()
    expect(await running).toMatchObject({ end: { exit: 0 } })
  })

  test('can be talked to for as long as it stays', async () => {
    const running = await programs.start(script('while read line; do echo "<$line>"; done'))
    const heard: string[] = []
    const both = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<ProgramEnd>()
    running.attach({
      output(chunk) {
        heard.push(textOf(chunk))
        if (heard.join('').includes('<two>')) both.resolve()
      },
      complaint: () => undefined,
      drained: () => undefined,
      ended: (end) => ended.resolve(end),
    })
    running.write('one\n')
    running.write(bytes('two\n'))
    await both.promise
    running.endInput()
    expect(await ended.promise).toEqual({ exit: 0 })
    expect(heard.join('')).toBe('<one>\n<two>\n')
  })
})

test.each([
  ['/bin/sh', true],
  ['/etc/passwd', false],
  ['/bin', false],
  ['/no/such/program', false],
])('%s can be started: %s', async (path, can) => {
  expect(await programs.canStart(path)).toBe(can)
})
