/** From the digest of a held message to the message itself: the links as a recipient follows them, without a login. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { join } from 'node:path'
import { digestText } from '../../src/quarantine/digest.ts'
import type { HeldMessage } from '../../src/quarantine/held-message.ts'
import { parseMailbox } from '../../src/mail/address.ts'
import { openSpool } from '../../src/queue/open-spool.ts'
import { shardPath } from '../../src/queue/shards.ts'
import { systemClock } from '../../src/runtime/node/clock.ts'
import { systemDisk } from '../../src/runtime/node/disk.ts'
import { systemRandom } from '../../src/runtime/node/random.ts'
import { ownKey } from '../../src/tools/own-key.ts'
import { linkBaseOf } from '../../src/tools/open-quarantine.ts'
import { silentLog } from '../../src/tools/silent-log.ts'
import { readOffline } from '../../src/tools/read-offline.ts'
import {
  checkout,
  delivered,
  dialogue,
  eventually,
  gatewayFolder,
  runPostern,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

const yaml = `
listeners: [{ name: mx, listen: '127.0.0.1:2525' }]
plugin_dirs: [../plugins, '${join(checkout, 'test/fixtures/plugins')}']
chain:
  - plugin: voucher
  - plugin: chooser
quarantine: { max_age: 30d, digest: { to: ['*'], except: [] } }
admin: { listen: '127.0.0.1:0', public_url: 'https://mail.example.org' }
`
const publicBase = 'https://mail.example.org/quarantine?token='

let folder: GatewayFolder
let gateway: StartedGateway
let base: string

beforeAll(async () => {
  folder = await gatewayFolder(yaml)
  gateway = await startGateway(folder)
  await gateway.seen('"event":"admin.opened"')
  base = /http:\/\/127\.0\.0\.1:\d+/.exec(gateway.stderr())?.[0] ?? ''
}, 60_000)
afterAll(async () => {
  await gateway.stop()
  await folder.remove()
})

/** A message for them, held. */
async function holdFor(recipient: string, subject: string): Promise<HeldMessage> {
  await dialogue(gateway.port, [
    'EHLO client.test',
    'MAIL FROM:<ann@else.test>',
    `RCPT TO:<${recipient}>`,
    'DATA',
    `Subject: ${subject}\r\n\r\nhello\r\n.`,
    'QUIT',
  ])
  return eventually(async () => {
    const words = ['quarantine', 'list', '--json', '--to', recipient, '--config', folder.config]
    const { stdout } = await runPostern(words)
    return (JSON.parse(stdout) as readonly HeldMessage[])[0]
  }, 'the held message')
}

/** The tokens of the digest that tells of it, as the gateway writes and signs it. */
async function tokensOf(
  held: HeldMessage,
  now = Date.now(),
  where = folder,
): Promise<{ readonly release: string; readonly remove: string }> {
  const configuration = readOffline(where.config)
  const { digest } = configuration.quarantine
  const key = await ownKey(digest?.keyFile ?? '', { disk: systemDisk, random: systemRandom })
  const { text } = digestText({
    hostname: 'postern.test',
    recipient: held.recipients[0] ?? '',
    held: [held],
    more: 0,
    now,
    links: { base: linkBaseOf(configuration) ?? '', key, lifetimeMs: digest?.linkLifetimeMs ?? 0 },
  })
  const links = text.flatMap((line) => /https:\S+/.exec(line)?.[0] ?? [])
  expect(links.every((link) => link.startsWith(publicBase))).toBe(true)
  const [release = '', remove = ''] = links.map((link) => link.slice(publicBase.length))
  return { release, remove }
}

const follow = (token: string) => fetch(`${base}/quarantine?token=${token}`)
const confirm = (token: string) =>
  fetch(`${base}/quarantine?token=${token}`, {
    method: 'POST',
    body: new URLSearchParams({ token }),
  })

test('a link asks once more, lets the message through on a confirmation, and then nothing', async () => {
  const held = await holdFor('hold1@postern.test', 'for <b>you</b>')
  const { release, remove } = await tokensOf(held)
  for (let scanned = 0; scanned < 3; scanned++) await follow(release)
  expect((await fetch(`${base}/quarantine?token=${release}`, { method: 'HEAD' })).status).toBe(200)
  const asked = await follow(release)
  expect(asked.status).toBe(200)
  expect(asked.headers.get('referrer-policy')).toBe('no-referrer')
  expect(asked.headers.get('cache-control')).toBe('no-store')
  expect(asked.headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; style-src 'sha/,
  )
  const page = await asked.text()
  expect(page).toContain('Let this message through?')
  expect(page).toContain('for &lt;b&gt;you&lt;/b&gt;')
  expect(page).toContain('&lt;ann@else.test&gt;')
  expect(page).not.toContain('<script')
  // It goes to wherever the page was: a proxy may have called it otherwise.
  expect(page).toContain('<form method="post">')
  const done = await confirm(release)
  expect([done.status, await done.text()]).toEqual([200, expect.stringContaining('on its way')])
  const [mail] = await delivered(folder, ['hold1', 'postern.test'])
  expect(mail).toContain('Subject: for <b>you</b>')
  const again = await confirm(release)
  expect([again.status, await again.text()]).toEqual([410, expect.stringContaining('used already')])
  const other = await follow(remove)
  const said = await other.text()
  expect([other.status, said]).toEqual([410, expect.stringContaining('not held any more')])
  expect(said).not.toContain('ann@else.test')
}, 60_000)

test('of two confirmations at once one deletes, and nothing is delivered', async () => {
  const held = await holdFor('hold2@postern.test', 'twice')
  const { remove } = await tokensOf(held)
  const answers = await Promise.all([confirm(remove), confirm(remove)])
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 410]))
  const { stdout } = await runPostern(['quarantine', 'list', '--config', folder.config])
  expect(stdout).toContain('0 messages held')
}, 60_000)

test('an old, a forged and no token at all say nothing of the message', async () => {
  const held = await holdFor('hold3@postern.test', 'secret')
  const { release } = await tokensOf(held)
  const old = await tokensOf(held, Date.now() - 8 * 86_400_000)
  const forged = `${release.slice(0, -3)}AAA`
  for (const [token, status] of [
    [old.release, 410],
    [forged, 404],
    ['', 404],
    ['x'.repeat(3000), 404],
  ] as const) {
    for (const response of [await follow(token), await confirm(token)]) {
      expect(response.status).toBe(status)
      expect(await response.text()).not.toMatch(/secret|hold3|ann@/)
    }
  }
  const json = await fetch(`${base}/quarantine`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: release }),
  })
  expect(json.status).not.toBe(200)
  expect((await follow(release)).status).toBe(200)
}, 60_000)

test('without a token it is the page of the administration, as before', async () => {
  const page = await fetch(`${base}/quarantine`, { headers: { accept: 'text/html' } })
  expect(page.status).toBe(200)
  expect(await page.text()).not.toContain('This link')
})

test('so many requests from one address are turned away with a page', async () => {
  let last = await follow('x')
  for (let asked = 0; asked < 80 && last.status !== 429; asked++) last = await follow('x')
  expect(last.status).toBe(429)
  expect(await last.text()).toContain('Wait a minute')
})

/** One message for all of them, in quarantine, as an entry of the chain leaves it that adds recipients. */
async function holdTogether(where: GatewayFolder, to: readonly string[]): Promise<void> {
  const { spool } = readOffline(where.config)
  const queue = await openSpool({
    ...spool,
    path: shardPath(spool.path, 1),
    disk: systemDisk,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  })
  const draft = queue.begin()
  await draft.write(Buffer.from('Subject: for several\r\n\r\nhello\r\n'))
  await draft.end()
  await draft.commit([
    {
      disposition: 'hold',
      headerEdits: [],
      reason: 'CHOSEN',
      grounds: { transaction: 'together' },
      envelope: {
        reversePath: null,
        recipients: to.flatMap((each) => {
          const mailbox = parseMailbox(each)
          return mailbox === undefined ? [] : [{ mailbox }]
        }),
        bodyType: '7bit',
        smtputf8: false,
        requireTls: false,
      },
    },
  ])
  await queue.close()
}

test('a link to a message for several acts for one of them, once, and after a restart as before', async () => {
  const own = await gatewayFolder(yaml)
  const [ann, bob, cid] = ['annie@postern.test', 'bobby@postern.test', 'cindy@postern.test']
  await holdTogether(own, [ann, bob, cid])
  const open = async (): Promise<[StartedGateway, (token: string) => Promise<Response>]> => {
    const started = await startGateway(own)
    await started.seen('"event":"admin.opened"')
    const at = /http:\/\/127\.0\.0\.1:\d+/.exec(started.stderr())?.[0] ?? ''
    return [
      started,
      (token) =>
        fetch(`${at}/quarantine`, { method: 'POST', body: new URLSearchParams({ token }) }),
    ]
  }
  const listed = async (): Promise<HeldMessage | undefined> => {
    const words = ['quarantine', 'list', '--json', '--config', own.config]
    return (JSON.parse((await runPostern(words)).stdout) as readonly HeldMessage[])[0]
  }
  let [started, press] = await open()
  try {
    const held = await eventually(listed, 'the held message')
    const tokens = async (recipient: string) =>
      tokensOf({ ...held, recipients: [recipient] }, Date.now(), own)
    const [anns, bobs] = [await tokens(ann), await tokens(bob)]
    expect((await press(anns.release)).status).toBe(200)
    expect(await delivered(own, ['annie', 'postern.test'])).toHaveLength(1)
    expect((await listed())?.recipients).toEqual([bob, cid])
    await started.stop()
    ;[started, press] = await open()
    const answers = [anns.release, anns.remove, bobs.remove, bobs.release].map(async (token) =>
      press(token),
    )
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([410, 410, 200, 410])
    expect((await listed())?.recipients).toEqual([cid])
    expect(await delivered(own, ['annie', 'postern.test'])).toHaveLength(1)
  } finally {
    await started.stop()
    await own.remove()
  }
}, 60_000)
