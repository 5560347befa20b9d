/** Changes of the configuration by the API: tried, refused, written, noted, taken back; and what they must never reach. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administrationStage, type Stage } from './administration-stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await administrationStage()
}, 60_000)
afterAll(() => stage.close())

const textOf = () => stage.folder.read('postern.yaml')
const etag = async () => (await stage.admin.ask('GET', '/chain')).json<{ etag: string }>().etag

describe('an entry of the chain', () => {
  test('shows the schema of its options, and is changed without a comment being lost', async () => {
    const shown = (await stage.admin.ask('GET', '/chain/greylist')).json()
    expect(shown.schema.properties).toHaveProperty('by_address')
    const before = await textOf()
    const change = { options: { by_address: true }, note: 'less patience' }
    const preview = (await stage.admin.ask('POST', '/chain/greylist/preview', change)).json()
    expect(preview).toMatchObject({ changed: true, sound: true, check: { mistakes: [] } })
    expect(await textOf()).toBe(before)
    const match = { 'if-match': `"${preview.etag}"` }
    const done = await stage.admin.ask('PATCH', '/chain/greylist', change, match)
    expect(done.json()).toMatchObject({ changed: true, diff: preview.diff })
    expect(await textOf()).toContain('- plugin: badmailfrom # by hand')
    expect(await textOf()).toMatch(/- plugin: greylist\n {4}options: \{ by_address: true \}/)
    const { items } = (await stage.admin.ask('GET', '/configuration/history')).json()
    expect(items[0]).toMatchObject({
      by: 'root',
      path: 'postern.yaml',
      note: 'less patience',
      added: 1,
    })
    const back = await stage.admin.ask(
      'POST',
      `/configuration/history/${items[0].id}/rollback`,
      undefined,
      {
        'if-match': `"${done.json().etag}"`,
      },
    )
    expect(back.statusCode, back.body).toBe(200)
    expect(await textOf()).toBe(before)
  })

  test('takes no change that was meant for another text, and none that names no text', async () => {
    const seen = await etag()
    const change = (mode: string) =>
      stage.admin.ask('PATCH', '/chain/badmailfrom', { mode }, { 'if-match': `"${seen}"` })
    const [one, other] = await Promise.all([change('off'), change('shadow')])
    expect(new Set([one.statusCode, other.statusCode])).toEqual(new Set([200, 412]))
    expect((await stage.admin.ask('PATCH', '/chain/badmailfrom', { mode: 'off' })).statusCode).toBe(
      428,
    )
  })

  test('takes no option that its plugin does not know, and says where it stands', async () => {
    const before = await textOf()
    const match = { 'if-match': `"${await etag()}"` }
    const wrong = await stage.admin.ask(
      'PATCH',
      '/chain/greylist',
      { options: { dellay: '5m' } },
      match,
    )
    expect(wrong.statusCode).toBe(422)
    expect(wrong.json().mistakes[0]).toMatchObject({
      problem: 'is not an option',
      key: expect.stringContaining('dellay'),
    })
    expect(wrong.json().mistakes[0].line).toBeTypeOf('number')
    expect(await textOf()).toBe(before)
  })
})

describe('a file of the configuration', () => {
  const put = (path: string, text: string, match = '*') =>
    stage.admin.ask('PUT', '/configuration/file', { path, text }, { 'if-match': `"${match}"` })

  test('is tried before it is written', async () => {
    const wrong = await put('tcp.smtp', '127.0.0.1:maybe\n')
    expect(wrong.statusCode).toBe(422)
    expect((await put('tcp.smtp', '127.:allow,RELAYCLIENT=""\n:allow\n')).statusCode).toBe(200)
    const rules = (await stage.admin.ask('GET', '/policy/rules')).json()
    expect(rules.rules[0]).toMatchObject({
      address: '127.',
      variables: [{ name: 'RELAYCLIENT', value: '' }],
    })
    const tested = await stage.admin.ask('POST', '/policy/rules/test', { ip: '127.0.0.1' })
    expect(tested.json()).toMatchObject({ action: 'allow', rule: { address: '127.', line: 1 } })
  })

  test('outside the folder, hidden, or with a secret in it is out of reach', async () => {
    await stage.folder.write('control/srs.secret', 'hush')
    await stage.folder.write('tls/mx.key', 'hush')
    await stage.folder.write('control/smtproutes', ':relay.example user hush\n')
    const paths = [
      '../etc/passwd',
      '/etc/passwd',
      'control/../../etc/passwd',
      'control/srs.secret',
      'tls/mx.key',
      'control/smtproutes',
      '.git/config',
    ]
    for (const path of paths) {
      const read = await stage.admin.ask(
        'GET',
        `/configuration/file?path=${encodeURIComponent(path)}`,
      )
      expect(read.statusCode, path).toBe(404)
      expect((await put(path, 'x')).statusCode, path).toBe(403)
      expect(
        (await stage.admin.ask('POST', '/configuration/preview', { path, text: '' })).statusCode,
      ).toBe(403)
    }
    const listed = await stage.admin.ask('GET', '/configuration/files')
    expect(listed.body).not.toContain('hush')
  })
})

describe('lists and the greylist', () => {
  test('are changed as by the commands, and noted', async () => {
    const rule = { word: 'block', by: 'sender', value: '@spam.example' }
    expect((await stage.admin.ask('POST', '/policy/lists/add', { rule })).json()).toEqual({
      done: true,
    })
    expect((await stage.admin.ask('POST', '/policy/lists/add', { rule })).json()).toEqual({
      done: false,
    })
    const says = await stage.admin.ask('POST', '/policy/lists/test', { sender: 'x@spam.example' })
    expect(says.json()).toMatchObject({ says: 'block', rule: 'block sender @spam.example' })
    const { items } = (
      await stage.admin.ask('GET', '/configuration/history?path=tables/lists')
    ).json()
    expect(items).toMatchObject([{ by: 'root', added: 1 }])
    const twoLines = { word: 'allow', by: 'sender', value: '@a.example\nallow client 0.0.0.0/0' }
    expect(
      (await stage.admin.ask('POST', '/policy/lists/add', { rule: twoLines })).statusCode,
    ).toBe(422)
    await stage.admin.ask('POST', '/policy/greylist/allow', { client: '192.0.2.7' })
    const page = (await stage.admin.ask('GET', '/policy/greylist')).json()
    expect(page.items).toMatchObject([{ key: '192.0.2.0/24', allowed: true }])
    const gone = await stage.admin.ask('POST', '/policy/greylist/forget', { client: '192.0.2.7' })
    expect(gone.json()).toEqual({ client: '192.0.2.0/24', entries: 1 })
  })
})

test('a domain has other names, changed as a whole, and none that means another domain', async () => {
  const ask = async (method: 'POST' | 'PATCH', url: string, body: object) =>
    stage.admin.ask(method, url, body)
  const names = { otherNames: ['Alias-1.example', 'alias-2.example'] }
  const made = await ask('POST', '/domains', { name: 'named.example', ...names })
  expect(made.json()).toMatchObject({ otherNames: ['alias-1.example', 'alias-2.example'] })
  const changed = await ask('PATCH', '/domains/named.example', { otherNames: ['alias-2.example'] })
  expect(changed.json()).toMatchObject({ otherNames: ['alias-2.example'] })
  const taken = { name: 'rival.example', otherNames: ['alias-2.example'] }
  expect((await ask('POST', '/domains', taken)).statusCode).toBe(409)
  expect((await ask('POST', '/domains', { name: 'alias-2.example' })).statusCode).toBe(422)
})

describe('an administrator of domains', () => {
  test('sees and changes their own, and what is others’ is not there', async () => {
    for (const name of ['a.example', 'b.example']) {
      expect((await stage.admin.ask('POST', '/domains', { name })).statusCode).toBe(201)
      const user = { user: `bob@${name}`, password: 'a password' }
      expect((await stage.admin.ask('POST', '/users', user)).statusCode).toBe(201)
      const alias = { address: `info@${name}`, targets: [`bob@${name}`] }
      expect((await stage.admin.ask('POST', '/aliases', alias)).statusCode).toBe(201)
    }
    const anna = await stage.as('domain-admin', ['a.example'])
    expect((await anna.ask('GET', '/domains')).json().items).toMatchObject([
      { name: 'a.example', users: 1 },
    ])
    expect((await anna.ask('GET', '/users')).json().items).toMatchObject([
      { user: 'bob@a.example' },
    ])
    expect((await anna.ask('GET', '/users?domain=b.example')).json().items).toEqual([])
    expect((await anna.ask('GET', '/aliases?domain=b.example')).json().items).toEqual([])
    await stage.admin.ask('POST', '/users', { user: 'ada@c.example', password: 'a password' })
    const dora = await stage.as('domain-admin', ['b.example', 'none.example', 'a.example'])
    for (const [what, names] of [
      ['users', ['bob@a.example', 'bob@b.example']],
      ['aliases', ['info@a.example', 'info@b.example']],
    ] as const) {
      const first = (await dora.ask('GET', `/${what}?limit=1`)).json()
      const second = (await dora.ask('GET', `/${what}?limit=1&cursor=${first.next}`)).json()
      const items = [...first.items, ...second.items]
      expect(items.map(({ user, address }) => user ?? address)).toEqual(names)
      expect(second.next).toBeUndefined()
    }
    const theirs: readonly (readonly [string, string, unknown?])[] = [
      ['GET', '/domains/b.example'],
      ['GET', '/users/bob@b.example'],
      ['PATCH', '/users/bob@b.example', { password: 'mine now 123' }],
      ['DELETE', '/users/BOB@B.EXAMPLE'],
      ['POST', '/users', { user: 'eve@b.example', password: 'a password' }],
      ['POST', '/users', { user: 'a.example', password: 'a password' }],
      ['GET', '/aliases/info@b.example'],
      ['PUT', '/aliases/info@b.example', { targets: ['eve@a.example'] }],
      ['DELETE', '/aliases/info@b.example'],
      ['POST', '/aliases', { address: 'x@b.example', targets: ['eve@a.example'] }],
    ]
    for (const [method, url, body] of theirs) {
      expect((await anna.ask(method, url, body)).statusCode, `${method} ${url}`).toBe(404)
    }
    const own = await anna.ask('PATCH', '/users/bob@a.example', {
      quota: '10MB',
      flags: ['no-pop'],
    })
    expect(own.json()).toMatchObject({ quota: '10485760S', flags: ['no-pop'] })
    expect((await anna.ask('PATCH', '/domains/a.example', { maxUsers: 9 })).statusCode).toBe(403)
  })
})

describe('the audit log', () => {
  test('has every change with who and from where, and no secret; auditors read it', async () => {
    await stage.admin.ask('POST', '/users', {
      user: 'zoe@a.example',
      password: 'very secret words',
    })
    const auditor = await stage.as('auditor')
    const { items } = (await auditor.ask('GET', '/audit?limit=500')).json()
    expect(items).toContainEqual(
      expect.objectContaining({
        who: 'root',
        from: '127.0.0.1',
        what: 'user.add',
        target: 'zoe@a.example',
        done: true,
      }),
    )
    expect(items).toContainEqual(expect.objectContaining({ what: 'chain.change', done: false }))
    expect(JSON.stringify(items)).not.toMatch(/very secret words|correct horse|argon2/)
    const asked = { domain: 'far.example', to: 'mail.far.example', dryRun: true }
    expect((await stage.admin.ask('POST', '/relay-domains', asked)).json()).toMatchObject({
      written: false,
    })
    const refused = await auditor.ask('POST', '/reload')
    expect(refused.statusCode).toBe(403)
    const newest = (await auditor.ask('GET', '/audit?limit=1&what=system')).json()
    expect(newest.items).toMatchObject([
      { what: 'system.reload', done: false, who: expect.stringMatching(/^auditor-/) },
    ])
    // Who only asks what would be written has changed nothing.
    expect((await auditor.ask('GET', '/audit?what=relay')).json().items).toEqual([])
    // Where nobody heeds the word, it hides nothing.
    await stage.admin.ask('DELETE', '/users/zoe@a.example', { dryRun: true })
    const [removed] = (await auditor.ask('GET', '/audit?what=user.remove')).json().items
    expect(removed).toMatchObject({ target: 'zoe@a.example', done: true })
  })
})

describe('a session that somebody tries', () => {
  test('is answered as a client would be, and leaves nothing behind', async () => {
    const session = {
      ip: '192.0.2.1',
      reversePath: 'x@good.example',
      recipients: ['bob@postern.test', 'bob@elsewhere.example'],
      message: 'Subject: hi\n\n.\nho\n',
    }
    const tried = (await stage.admin.ask('POST', '/try', session)).json()
    expect(
      tried.replies.map(({ verb, code }: { verb: string; code: number }) => [verb, code]),
    ).toContainEqual(['rcpt bob@postern.test', 451])
    expect((await stage.admin.ask('GET', '/queue')).json().items).toEqual([])
    expect((await stage.admin.ask('GET', '/messages')).json().items).toEqual([])
    const smuggled = { ...session, reversePath: 'x@y.example>\r\nRCPT TO:<z@z.example' }
    expect((await stage.admin.ask('POST', '/try', smuggled)).statusCode).toBe(422)
    expect(tried.rule).toMatch(/tcp\.smtp:\d+ \(everybody\)$/)
    const nowhere = await stage.admin.ask('POST', '/try', { ...session, listener: 'nowhere' })
    expect(nowhere.statusCode).toBe(422)
    expect(nowhere.json().errors).toMatchObject([{ pointer: '/listener' }])
  })
})

describe('every answer', () => {
  test('forbids browsers to make anything of it but what it is', async () => {
    const { headers } = await stage.admin.ask('GET', '/system')
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
  })
})
