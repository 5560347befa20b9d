import { describe, expect, test } from 'vitest'
import { fakeDns, pluginUnderTest, type PluginTestOptions } from 'postern/testkit'
import { mfcheck } from './mfcheck.ts'

const dns = fakeDns({
  'mx.test': { mx: [{ exchange: 'mail.mx.test', preference: 10 }] },
  'host.test': { addresses: ['192.0.2.1'] },
  'empty.test': { txt: ['nothing'] },
  'null.test': { mx: [{ exchange: '', preference: 0 }] },
  'ill.test': 'fails',
})

const checked = (options: PluginTestOptions = {}) =>
  pluginUnderTest(mfcheck, { doors: { dns }, ...options })

describe('mfcheck', () => {
  test.each(['a@mx.test', 'a@host.test', '', 'a@[192.0.2.1]'])('lets %s pass', async (sender) => {
    expect(await checked().mail(sender)).toEqual({ verdict: 'pass' })
  })

  test.each(['a@nowhere.test', 'a@empty.test'])('refuses %s', async (sender) => {
    expect(await checked().mail(sender)).toMatchObject({
      verdict: 'reject',
      status: '5.7.1',
      text: 'sorry, your envelope sender domain must exist',
      reason: 'MFCHECK',
    })
  })

  test('refuses a domain that says it takes no mail (RFC 7505)', async () => {
    expect(await checked().mail('a@null.test')).toMatchObject({ status: '5.7.27' })
  })

  test('puts off who cannot be looked up', async () => {
    expect(await checked().mail('a@ill.test')).toMatchObject({
      verdict: 'defer',
      status: '4.3.0',
      text: 'DNS temporary failure',
    })
  })

  test('is driven by MFCHECK, else by control/mfcheck', async () => {
    const off = { files: { 'control/mfcheck': '0\n' } }
    expect(await checked(off).mail('a@nowhere.test')).toEqual({ verdict: 'pass' })
    const on = checked({ ...off, environment: { MFCHECK: '1' } })
    expect(await on.mail('a@nowhere.test')).toMatchObject({ verdict: 'reject' })
    const none = checked({ environment: { MFCHECK: '0' } })
    expect(await none.mail('a@nowhere.test')).toEqual({ verdict: 'pass' })
  })

  test('logs failures at level 2, and passes at level 3', async () => {
    const two = checked({ options: { level: '2' } })
    await two.mail('a@mx.test')
    await two.mail('a@nowhere.test')
    expect(two.log.events.map(({ fields }) => fields?.['answer'])).toEqual(['no'])
    const three = checked({ options: { level: '3' } })
    await three.mail('a@mx.test')
    expect(three.log.events).toMatchObject([
      { event: 'mfcheck.answered', fields: { answer: 'yes', domain: 'mx.test' } },
    ])
  })
})
