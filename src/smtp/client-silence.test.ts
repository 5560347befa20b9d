import { describe, expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { settled, smtpStage } from '../testkit/smtp-stage.ts'
import { parseNetworks, type Networks } from '../plugin/networks.ts'
import { scriptedPolicy, type Script } from '../testkit/scripted-policy.ts'
import { passRuling } from '../mail/ruling.ts'
import { ClientSilence } from './client-silence.ts'

const never = new AbortController().signal

describe('the silence before a greeting', () => {
  test('lasts where the client says nothing', async () => {
    const clock = fakeClock()
    const silence = new ClientSilence(clock)
    const lasted = silence.lasts(2_000, never)
    clock.advance(2_000)
    expect(await lasted).toBe(true)
    expect(silence.broken).toBe(false)
  })

  test('ends at the first word, and stays broken', async () => {
    const silence = new ClientSilence(fakeClock())
    const lasted = silence.lasts(2_000, never)
    silence.spoke()
    expect(await lasted).toBe(false)
    expect(await silence.lasts(2_000, never)).toBe(false)
  })

  test('is over with the greeting: what the client says then is no offence', async () => {
    const silence = new ClientSilence(fakeClock())
    const lasted = silence.lasts(2_000, never)
    silence.end()
    silence.spoke()
    expect(await lasted).toBe(true)
    expect(await silence.lasts(2_000, never)).toBe(true)
  })

  test('is not waited for when the waiting is called off', async () => {
    const clock = fakeClock()
    const controller = new AbortController()
    const lasted = new ClientSilence(clock).lasts(2_000, controller.signal)
    controller.abort()
    await expect(lasted).rejects.toMatchObject({ code: 'ABORTED' })
    expect(clock.pending).toBe(0)
  })
})

/** Greets after two seconds, and refuses whoever has spoken by then. */
const patient: Script['connect'] = async ({ silence }) =>
  (await silence.lasts(2_000, never))
    ? passRuling
    : { ruling: 'reject', status: '5.5.1', text: 'SMTP protocol violation', close: true }

const trusted = (): Networks => {
  const parsed = parseNetworks(['198.51.100.0/24'])
  if (!parsed.ok) throw new Error(parsed.item)
  return parsed.networks
}

describe('a listener that keeps its greeting back', () => {
  test('greets whoever waits', async () => {
    const stage = await smtpStage({ policy: scriptedPolicy({ connect: patient }) })
    const client = await stage.dial()
    await settled()
    expect(client.unread).toBe('')
    stage.clock.advance(2_000)
    expect(await client.reply()).toBe('220 mx.test ESMTP')
    client.send('EHLO client.test\r\n')
    expect(await client.reply()).toContain('250')
  })

  test('refuses whoever speaks first, at once', async () => {
    const stage = await smtpStage({ policy: scriptedPolicy({ connect: patient }) })
    const client = await stage.dial()
    client.send('EHLO client.test\r\n')
    expect(await client.reply()).toBe('554 5.5.1 SMTP protocol violation')
    await settled()
    expect(client.closed).toBe(true)
  })

  test('takes what stands right behind a PROXY header for the client’s first words', async () => {
    const stage = await smtpStage({
      policy: scriptedPolicy({ connect: patient }),
      listener: { proxyNetworks: trusted() },
    })
    const header = 'PROXY TCP4 203.0.113.9 192.0.2.1 4000 25\r\n'
    const early = await stage.dial()
    early.send(`${header}EHLO client.test\r\n`)
    expect(await early.reply()).toBe('554 5.5.1 SMTP protocol violation')
    const patientClient = await stage.dial()
    patientClient.send(header)
    await settled()
    stage.clock.advance(2_000)
    expect(await patientClient.reply()).toBe('220 mx.test ESMTP')
  })

  test('hears early words under implicit TLS too', async () => {
    const stage = await smtpStage({
      policy: scriptedPolicy({ connect: patient }),
      listener: { tls: 'implicit' },
    })
    const client = await stage.dial()
    await client.connection.startTls({
      side: 'client',
      servername: 'mx.test',
      verify: false,
      timeoutMs: 1_000,
    })
    client.send('EHLO client.test\r\n')
    expect(await client.reply()).toBe('554 5.5.1 SMTP protocol violation')
  })

  test('does not keep a client waiting whom a proxy has greeted (XCLIENT)', async () => {
    const policy = scriptedPolicy({ connect: patient }, { xclientNetworks: trusted() })
    const stage = await smtpStage({ policy })
    const proxy = await stage.dial()
    await settled()
    stage.clock.advance(2_000)
    await proxy.reply()
    proxy.send('EHLO proxy.test\r\n')
    await proxy.reply()
    proxy.send('XCLIENT ADDR=203.0.113.9\r\nEHLO client.test\r\n')
    expect(await proxy.reply()).toBe('220 mx.test ESMTP')
    expect(await proxy.reply()).toContain('250')
  })

  test('lets go of a client that leaves', async () => {
    const stage = await smtpStage({ policy: scriptedPolicy({ connect: patient }) })
    const client = await stage.dial()
    await settled()
    client.connection.destroy()
    await settled()
    expect(stage.listener.sessions).toBe(0)
  })
})
