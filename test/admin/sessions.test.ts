/** Logins as browsers and thieves see them: how long they last, and what their cookie says. */
import { chmod, lstat, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { administrationStage, type Stage } from './administration-stage.ts'

const yaml = `
listeners: [{ name: mx, listen: 127.0.0.1:0 }]
chain:
  - plugin: rcpthosts
plugin_dirs: [../plugins]
admin: { requests_per_minute: 1000000, trusted_proxies: [127.0.0.1] }
`
const password = 'a password of ten'

let stage: Stage
beforeAll(async () => {
  stage = await administrationStage(yaml)
}, 60_000)
afterAll(() => stage.close())

test('a mailbox user is logged out when the account is changed, and cannot tell it from never having been there', async () => {
  await stage.admin.ask('POST', '/domains', { name: 'example.org' })
  await stage.admin.ask('POST', '/users', { user: 'ann@example.org', password })
  const ann = await stage.login('ann@example.org', password)
  expect((await ann.ask('GET', '/session')).statusCode).toBe(200)
  const change = { flags: ['no-login'] }
  expect((await stage.admin.ask('PATCH', '/users/ann@example.org', change)).statusCode).toBe(200)
  expect((await ann.ask('GET', '/session')).statusCode).toBe(401)
})

test('behind a trusted proxy that speaks HTTPS the cookie is for HTTPS alone', async () => {
  const login = { user: 'root', password: 'correct horse battery' }
  const proxied = { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https' }
  const made = await stage.ask('POST', '/session', login, proxied)
  expect(made.headers['set-cookie']).toMatch(/^__Host-postern=.*; Secure/)
  const [cookie] = made.cookies
  const asked = await stage.ask('GET', '/session', undefined, {
    ...proxied,
    cookie: `${cookie?.name}=${cookie?.value}`,
  })
  expect(asked.statusCode).toBe(200)
})

const put = (path: string, text: string) =>
  stage.admin.ask('PUT', '/configuration/file', { path, text }, { 'if-match': '*' })

test('a link to a secret, or out of the folder, is neither shown nor written through', async () => {
  await stage.folder.write('control/srs.secret', 'hush\n')
  await symlink('srs.secret', join(stage.folder.config, 'control/plain'))
  await symlink('/etc/hostname', join(stage.folder.config, 'control/outside'))
  for (const path of ['control/plain', 'control/outside']) {
    const read = await stage.admin.ask('GET', `/configuration/file?path=${path}`)
    expect(read.statusCode).toBe(403)
    expect((await put(path, 'x\n')).statusCode).toBe(403)
  }
})

test('a link to another file of the folder stays one, and the file keeps its mode', async () => {
  await stage.folder.write('control/shared', 'one.example\n')
  const file = join(stage.folder.config, 'control/shared')
  await chmod(file, 0o600)
  const link = join(stage.folder.config, 'control/morercpthosts')
  await symlink('shared', link)
  const done = await put('control/morercpthosts', 'two.example\n')
  expect(done.statusCode, done.body).toBe(200)
  expect((await lstat(link)).isSymbolicLink()).toBe(true)
  expect(await stage.folder.read('control/shared')).toBe('two.example\n')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})
