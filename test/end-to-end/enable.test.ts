/** The chain of the sample, and how an operator turns its entries on and off. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { withEntryMode } from '../../src/config/entry-mode.ts'
import { switchEntry } from '../../src/tools/switch-entry.ts'
import { afterEach, expect, test } from 'vitest'
import {
  checkout,
  dialogue,
  gatewayFolder,
  runPostern,
  startGateway,
  type GatewayFolder,
} from './started-gateway.ts'

let folder: GatewayFolder
afterEach(() => folder.remove())

const run = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await runPostern([...args, '--config', folder.config])
  return { code, text: `${stdout}${stderr}` }
}

test(
  'the sample has the whole chain, every entry of which could be turned on',
  { timeout: 120_000 },
  async () => {
    folder = await gatewayFolder()
    // Nobody answers there, and says so at once.
    const nobody = '\ndns: { servers: ["127.0.0.1:9"] }\n'
    await folder.write('postern.yaml', (await folder.read('postern.yaml')) + nobody)
    const { chain } = parse(await folder.read('postern.yaml')) as {
      chain: readonly { plugin: string; name?: string; mode?: string }[]
    }
    const off = chain.filter(({ mode }) => mode === 'off').map(({ plugin, name = plugin }) => name)
    expect(off).toEqual(expect.arrayContaining(['dnsbl', 'spf', 'greylist', 'taps']))
    const comments = await folder.read('postern.yaml')
    // Tried by root, before the first start: what the gateway's account could not write would keep it from starting.
    expect(await run('enable', 'greylist')).toMatchObject({ code: 0 })
    expect(existsSync(join(folder.root, 'var'))).toBe(false)
    await run('disable', 'greylist')
    await folder.write('postern.yaml', comments)
    expect(await run('enable', 'validrcptto')).toMatchObject({
      code: 1,
      text: expect.stringContaining('neither the cdb nor the table nor users/assign is there'),
    })
    await folder.write('tables/valid-recipients', 'bob@postern.test\n')
    for (const name of off) {
      expect(comments).toContain(`# postern enable ${name}: `)
      // Whatever a host does not have is refused by its trial, and never by its options.
      const tried = await switchEntry(folder.config, { name, mode: 'enforce' })
      const problem = 'problem' in tried ? tried.problem : ''
      expect(tried.done ? 'done' : problem, name).toMatch(/^done$|could not do its work/)
      if (tried.done) continue
      // The check below judges all of them together: each opening of the chain takes a while.
      const yaml = withEntryMode(await folder.read('postern.yaml'), name, 'enforce')
      await folder.write('postern.yaml', yaml ?? '')
    }
    expect((await run('check')).text).toContain('is right')
    expect(await folder.read('postern.yaml')).toBe(
      comments.replaceAll('mode: off\n', 'mode: enforce\n'),
    )
  },
)

test('an entry is turned on and off under a running gateway, and the file keeps its comments', async () => {
  folder = await gatewayFolder()
  await folder.write('control/badhelo', '^bad\\.test$\n')
  const before = await folder.read('postern.yaml')
  expect((await run('disable', 'badhelo')).text).toContain('badhelo is now off')
  const gateway = await startGateway(folder)
  const rcpt = async (): Promise<string | undefined> =>
    (
      await dialogue(gateway.port, [
        'EHLO bad.test',
        'MAIL FROM:<a@else.test>',
        'RCPT TO:<b@postern.test>',
        'QUIT',
      ])
    ).at(-2)
  expect(await rcpt()).toMatch(/^250 /)
  expect((await run('enable', 'badhelo')).text).toContain('badhelo is now enforce')
  await gateway.seen('config.reloaded')
  expect(await rcpt()).toMatch(/^5\d\d /)
  expect(await folder.read('postern.yaml')).toBe(
    before.replace(
      '- plugin: badhelo # control/badhelo\n',
      '- plugin: badhelo # control/badhelo\n    mode: enforce\n',
    ),
  )
  await gateway.stop()
})

test('what could not do its work is not turned on, unless nobody tries; nor what is not there', async () => {
  const yaml = `
listeners: [{ name: mx, listen: '127.0.0.1:2525' }]
plugin_dirs: [../plugins, '${join(checkout, 'test/fixtures/plugins')}']
chain:
  - plugin: voucher
  - { plugin: pupil, mode: off, options: { absent: true } } # a scanner that is not there
  - { plugin: auth-cdb, mode: off, options: { cdb: control/auth.cdb } }
  - { plugin: checkpassword, mode: off, options: { command: [/no/such/program, /bin/true] } }
  - { plugin: qmail-queue, mode: off, options: { program: /no/such/filter } }
`
  folder = await gatewayFolder(yaml)
  expect(await run('enable', 'pupil')).toEqual({
    code: 1,
    text: 'pupil could not do its work: nobody is at school\nnothing was changed\n',
  })
  expect(await run('enable', 'auth-cdb')).toMatchObject({
    code: 1,
    text: expect.stringMatching(
      /could not do its work: .*auth\.cdb is not there; make it: postern mkauth\n/,
    ),
  })
  expect(await run('enable', 'checkpassword')).toMatchObject({
    code: 1,
    text: expect.stringContaining('/no/such/program cannot be started'),
  })
  // What is no reason not to turn it on is told all the same, as postern check tells it.
  expect(await run('enable', 'qmail-queue')).toMatchObject({
    code: 0,
    text: expect.stringMatching(
      /^qmail-queue is now enforce.*\nwarning: .*postern\.yaml:\d+: .*no program that this user may start/,
    ),
  })
  expect(await run('enable', 'pupils')).toMatchObject({
    code: 1,
    text: expect.stringContaining('did you mean pupil?'),
  })
  expect(await folder.read('postern.yaml')).toContain('mode: off, options')
  expect(await run('enable', 'pupil', '--untried', '--mode', 'shadow')).toMatchObject({ code: 0 })
  expect(await folder.read('postern.yaml')).toContain(
    'mode: shadow, options: { absent: true } } # a scanner',
  )
})
