/** What the chain holds: found, shown, released and deleted by an operator, on a gateway that runs and on one that does not. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  checkout,
  delivered,
  dialogue,
  eventually,
  gatewayFolder,
  mailIn,
  printed,
  runPostern,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

const yaml = `
listeners:
  - { name: mx, listen: '127.0.0.1:2525' }
  - { name: split, listen: '127.0.0.1:0', receiver: { split: first } }
plugin_dirs: [../plugins, '${join(checkout, 'test/fixtures/plugins')}']
chain:
  - plugin: voucher
  - plugin: chooser
  - plugin: pupil
  - plugin: scorer
    options: { by_recipient: true }
thresholds:
  tag: 3
  quarantine: 5
  reject: 50
  recipients: { spam7@postern.test: { quarantine: never } }
tagging: { subject_prefix: '[SPAM] ', fields: { X-Spam-Flag: 'YES' } }
quarantine: { max_age: 30d, notify: [admin], admin: admin@postern.test }
`

let folder: GatewayFolder
let gateway: StartedGateway

const quarantine = async (...args: readonly string[]) => {
  const { code, stdout, stderr } = await runPostern([
    'quarantine',
    ...args,
    '--config',
    folder.config,
  ])
  return { code, text: `${stderr}${stdout}`.trim() }
}

interface Listed {
  readonly id: string
  readonly transaction: string
  readonly recipients: readonly string[]
  readonly reason: string
}
const listed = async (...args: readonly string[]): Promise<readonly Listed[]> =>
  JSON.parse((await quarantine('list', '--json', ...args)).text) as readonly Listed[]

/** Waits until the gateway has written down that so many are held. */
const held = async (count: number, ...args: readonly string[]): Promise<readonly Listed[]> =>
  eventually(async () => {
    const found = await listed(...args)
    return found.length === count ? found : undefined
  }, `${count} held messages`)

const send = (recipients: readonly string[], subject: string): Promise<string[]> =>
  dialogue(gateway.port, [
    'EHLO client.test',
    'MAIL FROM:<ann@else.test>',
    ...recipients.map((recipient) => `RCPT TO:<${recipient}>`),
    'DATA',
    `Subject: ${subject}\r\n\r\nhello\r\n.`,
    'QUIT',
  ])

const bodyOf = async (name: string): Promise<string[]> => mailIn(folder, 'postern.test', name)

beforeAll(async () => {
  folder = await gatewayFolder(yaml)
  gateway = await startGateway(folder)
})

afterAll(async () => {
  await gateway.stop()
  await folder.remove()
})

describe('one message with recipients of different policies', () => {
  test('is delivered, tagged, held and released for each by their own, and the trace says so', async () => {
    await send(
      ['plain1@postern.test', 'spam4@postern.test', 'spam6@postern.test', 'spam7@postern.test'],
      'four',
    )
    await delivered(folder, ['plain1', 'postern.test'])
    const [tagged] = await delivered(folder, ['spam4', 'postern.test'])
    const [never] = await delivered(folder, ['spam7', 'postern.test'])
    for (const mail of [tagged, never]) {
      expect(mail).toMatch(/^Subject: \[SPAM\] four$/m)
      expect(mail).toMatch(/^X-Spam-Flag: YES$/m)
    }
    expect((await bodyOf('plain1'))[0]).toMatch(/^Subject: four$/m)
    const [six] = await held(1, '--subject', 'FOUR')
    expect(six).toMatchObject({ recipients: ['spam6@postern.test'], reason: 'SCORE' })
    const { stdout } = await runPostern(['trace', six?.id ?? '', '--config', folder.config])
    expect(stdout).toContain('judged     spam7@postern.test by score: tag 3, reject 50')
    expect(stdout).toContain('hold (SCORE, score 6): spam6@postern.test')
    expect(stdout).toContain('deliver: spam4@postern.test\n')
    const shown = await quarantine('show', six?.id ?? '')
    expect(shown.text).toContain('evidence    {"scores":[["scorer",6]]}')
    const resume = ['queue', 'resume', '--newer-than', '1h', '--config', folder.config]
    expect((await runPostern(resume)).stdout).toBe('0 messages released\n')
    expect(await quarantine('release', six?.id ?? '')).toEqual({
      code: 0,
      text: '1 message released',
    })
    const [released] = await delivered(folder, ['spam6', 'postern.test'])
    expect(released).toMatch(/^Subject: \[SPAM\] four$/m)
    expect((await quarantine('release', six?.id ?? '')).code).toBe(1)
  })

  test('is refused a recipient of another class where the listener splits', async () => {
    const port = Number(/127\.0\.0\.1:(\d+) \(split\)/.exec(gateway.stdout())?.[1])
    const replies = await dialogue(port, [
      'EHLO client.test',
      'MAIL FROM:<ann@else.test>',
      'RCPT TO:<spam1@postern.test>',
      'RCPT TO:<spam7@postern.test>',
      'QUIT',
    ])
    expect(replies.at(-2)).toMatch(/^452 4\.5\.3 /)
  })
})

describe('the quarantine', () => {
  test('is searched, and a message is released for one recipient, then for everybody', async () => {
    await send(['hold1@postern.test', 'hold2@postern.test', 'hold3@postern.test'], 'three')
    const found = await held(3, '--entry', 'chooser', '--from', '@else.test')
    expect(new Set(found.map(({ transaction }) => transaction)).size).toBe(1)
    const [two] = await listed('--to', 'hold2@postern.test')
    expect((await quarantine('release', two?.id ?? '')).text).toBe('1 message released')
    await delivered(folder, ['hold2', 'postern.test'])
    const one = (await listed('--to', 'hold1@postern.test'))[0]?.id ?? ''
    expect((await quarantine('release', one, '--everybody')).text).toBe('2 messages released')
    for (const name of ['hold1', 'hold3']) await delivered(folder, [name, 'postern.test'])
    expect((await quarantine('list')).text).toContain('0 messages held')
  })

  test('tells the administrator, who sends a copy elsewhere, teaches the scanners, and deletes it', async () => {
    await send(['hold9@postern.test'], 'spam for nine')
    const [nine] = await held(1)
    const id = nine?.id ?? ''
    await eventually(
      async () => ((await bodyOf('admin')).some((mail) => mail.includes(id)) ? true : undefined),
      'the notice',
    )
    expect((await quarantine('release', id, '--copy-to', 'judge@postern.test')).text).toBe(
      '1 message copied',
    )
    await delivered(folder, ['judge', 'postern.test'])
    expect(await quarantine('learn-spam', id)).toEqual({
      code: 0,
      text: '1 message learned as spam',
    })
    await gateway.seen('pupil.learned')
    expect((await quarantine('delete')).text).toContain('say which messages')
    expect((await quarantine('delete', id)).text).toBe('1 message deleted')
    expect((await quarantine('show', id)).code).toBe(1)
    await printed(
      ['trace', id, '--config', folder.config],
      'deleted  hold9@postern.test by quarantine, 0 ms: By an operator',
    )
    expect(await bodyOf('hold9')).toEqual([])
  })

  test('outlives a restart and a lost store, and is steered without a gateway too', async () => {
    await send(['hold20@postern.test', 'hold21@postern.test'], 'later')
    await held(2)
    await gateway.stop()
    expect(await listed()).toHaveLength(2)
    expect((await quarantine('release', '--to', 'hold20@postern.test')).text).toBe(
      '1 message released',
    )
    expect((await quarantine('learn-ham', '--all')).text).toContain('can learn')
    for (const name of ['store.db', 'store.db-wal', 'store.db-shm']) {
      await rm(join(folder.root, 'var', name), { force: true })
    }
    gateway = await startGateway(folder)
    await delivered(folder, ['hold20', 'postern.test'])
    const [left] = await held(1)
    expect(left?.recipients).toEqual(['hold21@postern.test'])
  })
})

test('a quarantine that never lets go is doubted by the check', async () => {
  const endless = await gatewayFolder(yaml.replace(/^quarantine: .*$/m, ''))
  const { stdout, stderr } = await runPostern(['check', '--config', endless.config])
  expect(`${stdout}${stderr}`).toContain('mail may be quarantined, and is then kept for ever')
  const { stdout: limited } = await runPostern(['check', '--config', folder.config])
  expect(limited).not.toContain('kept for ever')
  await endless.remove()
})

test('several workers have one quarantine', async () => {
  const shared = await gatewayFolder(`workers: 2\n${yaml}`)
  const several = await startGateway(shared)
  const ask = async (...args: readonly string[]): Promise<string> =>
    (await runPostern(['quarantine', ...args, '--config', shared.config])).stdout
  for (let at = 0; at < 8; at++) {
    await dialogue(several.port, [
      'EHLO client.test',
      'MAIL FROM:<ann@else.test>',
      `RCPT TO:<hold-${at}@postern.test>`,
      'DATA',
      'Subject: x\r\n\r\nx\r\n.',
      'QUIT',
    ])
  }
  await eventually(
    async () => ((await ask('list')).endsWith('8 messages held\n') ? true : undefined),
    'eight held messages',
  )
  expect(await ask('release', '--all')).toBe('8 messages released\n')
  for (let at = 0; at < 8; at++) await delivered(shared, [`hold-${at}`, 'postern.test'])
  expect(await several.stop()).toBe(0)
  await shared.remove()
})
