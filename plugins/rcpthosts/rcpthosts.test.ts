import { describe, expect, test } from 'vitest'
import { buildCdb, pluginUnderTest } from 'postern/testkit'
import { rcpthosts } from './rcpthosts.ts'

const listing = (text: string) =>
  pluginUnderTest(rcpthosts, { files: { 'control/rcpthosts': text } })

describe('rcpthosts', () => {
  test.each([
    ['heaven.mil', 'a@heaven.mil', 'accept'],
    ['heaven.mil', 'a@HEAVEN.Mil', 'accept'],
    ['Heaven.MIL', 'a@heaven.mil', 'accept'],
    ['heaven.mil', 'a@sub.heaven.mil', 'pass'],
    ['.heaven.mil', 'a@sub.heaven.mil', 'accept'],
    ['.heaven.mil', 'a@deep.sub.heaven.mil', 'accept'],
    ['.heaven.mil', 'a@heaven.mil', 'pass'],
    ['# heaven.mil\nearth.mil  ', 'a@earth.mil', 'accept'],
    ['# heaven.mil\nearth.mil', 'a@heaven.mil', 'pass'],
    ['xn--bcher-kva.test', 'a@bücher.test', 'accept'],
  ])('with %j a RCPT for %s is answered with %s', async (text, recipient, verdict) => {
    expect(await listing(text).rcpt(recipient)).toMatchObject({ verdict })
  })

  test('a domain that is not listed is passed over, not refused: somebody else may vouch', async () => {
    expect(await listing('heaven.mil').rcpt('a@hell.test')).toEqual({ verdict: 'pass' })
  })

  test('the verdict names the line that matched', async () => {
    expect(await listing('.heaven.mil').rcpt('a@x.heaven.mil')).toEqual({
      verdict: 'accept',
      reason: 'RCPTHOSTS',
      evidence: { entry: '.heaven.mil' },
    })
  })

  test('a missing file vouches for nobody', async () => {
    expect(await pluginUnderTest(rcpthosts).rcpt('a@heaven.mil')).toEqual({ verdict: 'pass' })
  })

  test('without a domain only postmaster is taken', async () => {
    const plugin = listing('')
    expect(await plugin.rcpt('PostMaster')).toMatchObject({ verdict: 'accept' })
  })

  test('morercpthosts.cdb is looked at after rcpthosts, with the same walk', async () => {
    const cdb = buildCdb([[Buffer.from('.heaven.mil'), Buffer.from('')]])
    const plugin = pluginUnderTest(rcpthosts, { files: { 'control/morercpthosts.cdb': cdb } })
    expect(await plugin.rcpt('a@x.heaven.mil')).toMatchObject({ verdict: 'accept' })
    expect(await plugin.rcpt('a@heaven.mil')).toMatchObject({ verdict: 'pass' })
  })

  test('a changed file counts for the next recipient', async () => {
    const plugin = listing('heaven.mil')
    plugin.files.set('control/rcpthosts', 'earth.mil')
    expect(await plugin.rcpt('a@heaven.mil')).toMatchObject({ verdict: 'pass' })
    expect(await plugin.rcpt('a@earth.mil')).toMatchObject({ verdict: 'accept' })
  })

  test('a line that can match nothing is logged with what would be right', () => {
    const { log } = listing('one.test, two.test')
    expect(log.events).toMatchObject([
      { level: 'warn', event: 'rcpthosts.line-useless', fields: { line: 1, entry: 'rcpthosts' } },
    ])
  })

  test('a damaged cdb is a fault, not a pass', async () => {
    const broken = new Uint8Array(2048).fill(255)
    const plugin = pluginUnderTest(rcpthosts, { files: { 'control/morercpthosts.cdb': broken } })
    await expect(plugin.rcpt('a@heaven.mil')).rejects.toThrow(/threw: CdbError/)
  })
})
