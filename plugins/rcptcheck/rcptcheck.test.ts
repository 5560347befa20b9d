import { describe, expect, test } from 'vitest'
import {
  fakePrograms,
  pluginUnderTest,
  type FakeProgram,
  type PluginTestOptions,
} from 'postern/testkit'
import { rcptcheck } from './rcptcheck.ts'

const path = '/usr/local/bin/check'

function checkedBy(program: FakeProgram, rest: PluginTestOptions = {}) {
  const programs = fakePrograms({ [path]: program })
  const plugin = pluginUnderTest(rcptcheck, {
    options: { program: path },
    doors: { programs },
    ...rest,
  })
  return { plugin, programs }
}

describe('rcptcheck', () => {
  test.each([
    [{ exit: 0 }, { verdict: 'pass' }],
    [{ exit: 1 }, { verdict: 'pass' }],
    [{ exit: 100 }, { status: '5.1.1', text: 'sorry, no mailbox here by that name.' }],
    [
      { exit: 100, writes: { 4: 'gone\r\naway\u0007' } },
      { status: '5.1.1', text: 'gone away?' },
    ],
    [{ exit: 111 }, { status: '4.3.0', text: 'unable to verify recipient' }],
    [
      { exit: 111, writes: { 4: 'not now' } },
      { status: '4.3.0', text: 'not now' },
    ],
    [{ exit: 120 }, { status: '4.3.0', close: true, at: 'now' }],
    [{ signal: 'SIGSEGV' }, { text: 'unable to execute recipient check', close: true }],
    [{ exit: 0, writes: { 4: 'fine' } }, { verdict: 'pass' }],
  ])('a program that ends with %j: %j', async (end, verdict) => {
    const { plugin } = checkedBy(() => end)
    expect(await plugin.rcpt('bob@postern.test')).toMatchObject(verdict)
  })

  test('shows the program what qmail-smtpd shows, and takes no more of its text', async () => {
    const { plugin, programs } = checkedBy(() => ({ exit: 100, writes: { 4: 'x'.repeat(300) } }), {
      environment: { DOMAIN_POLICY: 'strict' },
      session: {
        remote: { address: '192.0.2.7', port: 4711 },
        hello: { verb: 'EHLO', name: 'client.test' },
      },
    })
    expect(await plugin.rcpt('Bob@postern.test', { reversePath: '' })).toMatchObject({
      text: 'x'.repeat(254),
    })
    expect(Object.fromEntries(programs.calls[0]?.environment ?? [])).toMatchObject({
      SENDER: '',
      RECIPIENT: 'Bob@postern.test',
      HELO: 'client.test',
      USE_FD4: '1',
      TCPREMOTEIP: '192.0.2.7',
      DOMAIN_POLICY: 'strict',
    })
    expect(plugin.log.events).toMatchObject([{ event: 'rcptcheck.said' }])
  })

  test('is off where it is told no program, and driven by RCPTCHECK', async () => {
    expect(await pluginUnderTest(rcptcheck).rcpt('bob@postern.test')).toEqual({ verdict: 'pass' })
    const { plugin } = checkedBy(() => ({ exit: 100 }), {
      options: {},
      environment: { RCPTCHECK: path },
    })
    expect(await plugin.rcpt('bob@postern.test')).toMatchObject({ verdict: 'reject' })
    const off = checkedBy(() => ({ exit: 100 }), { environment: { RCPTCHECK: '' } })
    expect(await off.plugin.rcpt('bob@postern.test')).toEqual({ verdict: 'pass' })
  })

  test('has a fault where there is no such program, or it does not end in time', async () => {
    const missing = pluginUnderTest(rcptcheck, {
      options: { program: '/nowhere' },
      doors: { programs: fakePrograms() },
    })
    await expect(missing.rcpt('bob@postern.test')).rejects.toThrow('ENOENT')
    const { plugin } = checkedBy(() => 'hangs')
    const answer = plugin.rcpt('bob@postern.test').catch(String)
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    plugin.clock.advance(30_000)
    expect(await answer).toContain('timeout')
  })

  test('runs no more programs at a time than it is told to', async () => {
    const { plugin } = checkedBy(() => 'hangs', { options: { program: path, at_once: 1 } })
    const first = plugin.rcpt('bob@postern.test').catch(String)
    await new Promise((resolve) => setImmediate(resolve))
    expect(await plugin.rcpt('carol@postern.test')).toMatchObject({ reason: 'RCPTCHECK_BUSY' })
    plugin.clock.advance(30_000)
    expect(await first).toContain('timeout')
  })
})
