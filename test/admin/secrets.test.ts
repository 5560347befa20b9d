/** What stands in postern.yaml and opens something elsewhere never leaves by the API, and survives the edits of those who do not see it. */
import { createHash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { administrationStage, type Stage, type Visitor } from './administration-stage.ts'

const yaml = `
listeners: [{ name: mx, listen: 127.0.0.1:0 }]
chain:
  - plugin: rcpthosts
  - plugin: external
    mode: off
    options:
      url: https://ops:hush1@policy.example/ask?token=hush2
      environment: [KEY=hush3]
  - plugin: dnsbl
    options:
      lists: [hush4hush4hush4hush4hush4.zen.dq.example.net]
      self_test: false
alerts:
  to: [root@example.org]
  webhook: https://hooks.example/services/hush5
plugin_dirs: [../plugins, ../plugins/local]
admin: { requests_per_minute: 1000000 }
`
let stage: Stage
let auditor: Visitor
beforeAll(async () => {
  stage = await administrationStage(yaml)
  auditor = await stage.as('auditor')
}, 60_000)
afterAll(() => stage.close())

const file = '/configuration/file?path=postern.yaml'
const match = (etag: string) => ({ 'if-match': `"${etag}"` })

test('no route shows a secret of postern.yaml, whoever asks', async () => {
  const urls = [
    file,
    '/chain',
    '/chain/external',
    '/chain/dnsbl',
    '/configuration/files',
    '/system',
  ]
  for (const visitor of [stage.admin, auditor]) {
    for (const url of urls) {
      const answer = await visitor.ask('GET', url)
      expect(answer.statusCode, url).toBe(200)
      expect(answer.body, url).not.toContain('hush')
    }
  }
  const { text } = (await auditor.ask('GET', file)).json()
  expect(text).toContain("url: 'https://ops:***@policy.example/ask?token=***'")
  expect((await auditor.ask('GET', '/chain/external')).json()).toMatchObject({
    options: { environment: ['KEY=***'] },
    schema: { properties: { environment: { writeOnly: true } } },
  })
})

test('nobody can guess a secret by the mark of a text, which is another one for another secret', async () => {
  const whole = await stage.folder.read('postern.yaml')
  const marks = new Set<string>()
  for (const text of [whole, whole.replace('hush5', 'hush8')]) {
    await stage.folder.write('postern.yaml', text)
    const { etag } = (await auditor.ask('GET', file)).json()
    const guessed = ['base64url', 'hex', 'base64'] as const
    for (const digest of guessed.map((form) => createHash('sha256').update(text).digest(form))) {
      expect(digest).not.toContain(etag)
    }
    marks.add(etag)
  }
  expect(marks.size).toBe(2)
  await stage.folder.write('postern.yaml', whole)
})

test('who edits what they were shown changes that alone; a mask stays the secret', async () => {
  const before = await stage.folder.read('postern.yaml')
  const { text, etag } = (await stage.admin.ask('GET', file)).json()
  const change = { path: 'postern.yaml', text: text.replace('root@', 'noc@') }
  const preview = await stage.admin.ask('POST', '/configuration/preview', change)
  expect(preview.json()).toMatchObject({ changed: true, sound: true })
  const done = await stage.admin.ask('PUT', '/configuration/file', change, match(etag))
  expect(done.statusCode, done.body).toBe(200)
  expect(await stage.folder.read('postern.yaml')).toBe(before.replace('root@', 'noc@'))
  const options = {
    url: 'https://ops:***@policy.example/other?token=***',
    environment: ['NEW=hush6', 'KEY=***'],
  }
  const entry = await stage.admin.ask(
    'PATCH',
    '/chain/external',
    { options },
    match(done.json().etag),
  )
  // Another address is another place: nobody sends it a password that they do not know.
  expect(entry.json()).toMatchObject({ status: 422, mistakes: [{ line: 8 }] })
  const kept = { environment: ['NEW=hush6', 'KEY=***'], url: 'https://new.example/' }
  const again = await stage.admin.ask(
    'PATCH',
    '/chain/external',
    { options: kept },
    match(done.json().etag),
  )
  expect(again.statusCode, again.body).toBe(200)
  expect(await stage.folder.read('postern.yaml')).toMatch(/NEW=hush6.*KEY=hush3/)
  for (const body of [preview.body, done.body, entry.body, again.body]) {
    expect(body).not.toContain('hush')
  }
})

test('the history and the audit log have none either', async () => {
  const { items } = (await auditor.ask('GET', '/configuration/history')).json()
  expect(items.length).toBeGreaterThan(1)
  for (const { id } of items) {
    const shown = await auditor.ask('GET', `/configuration/history/${id}`)
    expect(shown.json().diff).toContain('@@')
    expect(shown.body).not.toContain('hush')
  }
  const { id } = items[0]
  const { etag } = (await stage.admin.ask('GET', file)).json()
  const back = await stage.admin.ask(
    'POST',
    `/configuration/history/${id}/rollback`,
    undefined,
    match(etag),
  )
  expect(back.statusCode, back.body).toBe(200)
  expect(await stage.folder.read('postern.yaml')).toContain('[KEY=hush3]')
  // What the texts of before are kept in is for the gateway's own eyes.
  const kept = join(stage.folder.root, 'var/admin/history')
  for (const path of [kept, ...(await readdir(kept)).map((name) => join(kept, name))]) {
    expect((await stat(path)).mode & 0o077, path).toBe(0)
  }
  const wrong = { path: 'postern.yaml', text: `${yaml}# hush\nnonsense: hush7` }
  const refused = await stage.admin.ask('PUT', '/configuration/file', wrong, match('*'))
  expect(refused.statusCode).toBeGreaterThan(399)
  expect((await auditor.ask('GET', '/audit?limit=500')).body).not.toContain('hush')
})
