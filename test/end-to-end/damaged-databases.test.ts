/** A database that is damaged: what is merely known is begun anew and mail goes on, configuration is never replaced. */
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  delivered,
  dialogue,
  gatewayFolder,
  runPostern,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

let folder: GatewayFolder
let gateway: StartedGateway | undefined
beforeEach(async () => {
  folder = await gatewayFolder()
})
afterEach(async () => {
  await gateway?.stop()
  gateway = undefined
  await folder.remove()
})

const garbage = 'these are not the bytes of a database\n'.repeat(500)
const toBob = [
  'EHLO client.test',
  'MAIL FROM:<ann@client.test>',
  'RCPT TO:<bob@postern.test>',
  'DATA',
  'Subject: hello\r\n\r\nhello\r\n.',
  'QUIT',
]

async function damage(name: string): Promise<string> {
  const path = join(folder.root, 'var', name)
  await mkdir(join(folder.root, 'var'), { recursive: true })
  await writeFile(path, garbage)
  return path
}

test('mail goes on where the store is damaged, and postern stat names the file that was set aside', async () => {
  await damage('store.db')
  gateway = await startGateway(folder)
  await dialogue(gateway.port, toBob)
  await delivered(folder, ['bob', 'postern.test'])
  const names = await readdir(join(folder.root, 'var'))
  const aside = names.find((name) => /^store\.db\.damaged-\d+$/.test(name)) ?? 'none'
  expect(await readFile(join(folder.root, 'var', aside), 'utf8')).toBe(garbage)
  const { stdout } = await runPostern(['stat', '--config', folder.config])
  expect(stdout).toContain(aside)
}, 60_000)

test('a damaged accounts.db is a mistake of the configuration, and stays as it is', async () => {
  const path = await damage('accounts.db')
  const { code, stderr } = await runPostern(['start', '--config', folder.config])
  expect(code).toBe(1)
  expect(stderr).toMatch(
    /accounts\.db: the users, domains and aliases cannot be read: .*put a copy/,
  )
  expect(await readFile(path, 'utf8')).toBe(garbage)
}, 60_000)

test('an accounts.db that breaks while the gateway runs defers, and is no reason to say no', async () => {
  await runPostern(['enable', 'mailboxes', '--config', folder.config])
  await runPostern(['domain', 'add', 'boxes.test', '--config', folder.config])
  gateway = await startGateway(folder)
  // As an operator's copy would come: another file under the same name.
  const path = await damage('broken.db')
  await rename(path, join(folder.root, 'var/accounts.db'))
  const replies = await dialogue(gateway.port, [
    'EHLO client.test',
    'MAIL FROM:<ann@client.test>',
    'RCPT TO:<nobody@boxes.test>',
    'QUIT',
  ])
  expect(replies.at(-2)).toMatch(/^451 /)
}, 60_000)

test('a cdb of vouched domains that a power cut left empty defers whoever stands in it alone: the gateway starts, and check names the file', async () => {
  await folder.write('control/morercpthosts.cdb', '')
  const { code, stdout, stderr } = await runPostern(['check', '--config', folder.config])
  expect({ code, stderr }).toMatchObject({ code: 0 })
  expect(`${stdout}${stderr}`).toContain('control/morercpthosts.cdb cannot be used')
  gateway = await startGateway(folder)
  const replies = await dialogue(gateway.port, [
    'EHLO client.test',
    'MAIL FROM:<ann@client.test>',
    'RCPT TO:<bob@postern.test>',
    'RCPT TO:<bob@elsewhere.test>',
    'QUIT',
  ])
  expect(replies.slice(3, 5).map((reply) => reply.slice(0, 9))).toEqual(['250 2.1.5', '451 4.3.0'])
}, 60_000)
