/** The administration of a started gateway with real mail in it: a process of its own, asked by HTTP. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
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
import { workersOf } from './worker-processes.ts'

const yaml = `
listeners: [{ name: mx, listen: '127.0.0.1:2525' }]
plugin_dirs: [../plugins, '${join(checkout, 'test/fixtures/plugins')}']
chain:
  - plugin: lists
  - plugin: voucher
  - plugin: chooser
  - plugin: scorer
    options: { by_recipient: true }
thresholds: { quarantine: 5, reject: 50 }
admin: { listen: '127.0.0.1:0' }
`
const password = 'correct horse battery'
/** What a browser would run if it were shown as HTML. */
const payload = '<img src=x onerror=alert(1)>'

interface Visitor {
  get<T = Record<string, unknown>>(url: string): Promise<T>
  ask(method: string, url: string, body?: object, signal?: AbortSignal): Promise<Response>
}

interface Page {
  readonly items: readonly {
    readonly id: string
    readonly outcome: string
    readonly recipients: readonly string[]
  }[]
}

let folder: GatewayFolder
let gateway: StartedGateway
let base: string
let root: Visitor

const send = (recipient: string, subject: string) =>
  dialogue(gateway.port, [
    'EHLO client.test',
    'MAIL FROM:<ann@else.test>',
    `RCPT TO:<${recipient}>`,
    'DATA',
    [
      `Subject: ${subject}`,
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: text/html',
      '',
      `<p>Hello</p><script>alert(1)</script>${payload}`,
      '--b',
      `Content-Type: application/octet-stream; name="${payload}.exe"`,
      '',
      'MZ',
      '--b--',
      '.',
    ].join('\r\n'),
    'QUIT',
  ])

async function login(path: string, body: object): Promise<Visitor> {
  const response = await post(path, body)
  expect(response.status).toBe(201)
  const cookie = response.headers.get('set-cookie')?.split(';')[0] ?? ''
  const { csrfToken } = (await response.json()) as { csrfToken: string }
  const ask: Visitor['ask'] = (method, url, sent, signal) =>
    fetch(`${base}/api/v1${url}`, {
      method,
      ...(signal === undefined ? {} : { signal }),
      headers: {
        cookie,
        'x-csrf-token': csrfToken,
        ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
    })
  return {
    ask,
    get: async <T>(url: string) => (await ask('GET', url)).json() as Promise<T>,
  }
}

const isAdministration = (pid: number): boolean =>
  readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('admin.worker')

const post = (path: string, body: object) =>
  fetch(`${base}/api/v1${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

beforeAll(async () => {
  folder = await gatewayFolder(yaml)
  gateway = await startGateway(folder)
  await gateway.seen('/setup#')
  const [, url = '', token = ''] = /(http:\S+)\/setup#(\S+)/.exec(gateway.stdout()) ?? []
  base = url
  root = await login('/setup', { token, user: 'root', password })
}, 60_000)
afterAll(async () => {
  await gateway.stop()
  await folder.remove()
})

const held = (visitor: Visitor, count: number, query = '') =>
  eventually(async () => {
    const { items } = await visitor.get<Page>(`/quarantine${query}`)
    return items.length === count ? items : undefined
  }, `${count} held messages`)

describe('messages', () => {
  test('are found with what became of them, and an API token finds them too', async () => {
    await send('plain1@postern.test', 'one')
    await delivered(folder, ['plain1', 'postern.test'])
    const [found] = await eventually(async () => {
      const { items } = await root.get<Page>('/messages?recipient=plain1@postern.test')
      return items.length > 0 ? items : undefined
    }, 'the trace')
    expect(found).toMatchObject({ outcome: 'accepted', recipients: ['plain1@postern.test'] })
    const story = await eventually(async () => {
      const told = await root.get<{ attempts: readonly { outcome: string }[] }>(
        `/messages/${found?.id}`,
      )
      return told.attempts.length > 0 ? told : undefined
    }, 'the delivery')
    expect(story).toMatchObject({ attempts: [{ outcome: 'delivered' }], partial: false })
    const { token } = (await (
      await root.ask('POST', '/access/tokens', { name: 'cron', scopes: ['messages:read'] })
    ).json()) as { token: string }
    const by = { headers: { authorization: `Bearer ${token}` } }
    expect((await fetch(`${base}/api/v1/messages.csv`, by)).headers.get('content-type')).toContain(
      'csv',
    )
    expect((await fetch(`${base}/api/v1/queue`, by)).status).toBe(403)
    const now = await root.get<{ slices: readonly { accepted: number }[]; stale: boolean }>('/now')
    expect(now.stale).toBe(false)
  })
})

describe('the numbers of the running gateway', () => {
  test('are what a scraper reads beside it, with those of the administration', async () => {
    await send('plain1@postern.test', 'counted')
    const response = await fetch(`${base}/metrics`)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const text = await response.text()
    expect(text).toMatch(/^postern_workers 1$/m)
    expect(text).toMatch(/^postern_entry_verdicts_total\{entry="voucher",.*\} [1-9]/m)
    expect(text).toMatch(/^postern_memory_bytes\{worker="admin",kind="resident"\} \d+$/m)
    expect(text).toMatch(/^postern_admin_requests_total\{class="2xx"\} [1-9]/m)
  })

  test('say how each entry of the chain does since it was started', async () => {
    const { since, sample, entries } = await root.get<{
      since: number
      sample: number
      entries: readonly { name: string; breaker?: string; numbers?: object }[]
    }>('/chain')
    expect(since).toBeLessThanOrEqual(Date.now())
    expect(sample).toBeGreaterThan(0)
    expect(entries.find(({ name }) => name === 'voucher')).toMatchObject({
      breaker: 'closed',
      numbers: { objected: 0, faults: 0, p50Ms: expect.any(Number), p99Ms: expect.any(Number) },
    })
  })

  test('say what waits, whether all is well, and how much room there is', async () => {
    const now = await root.get('/now')
    expect(now).toMatchObject({
      queue: { messages: expect.any(Number), held: expect.any(Number) },
      health: {
        silentEntries: [],
        nextHopsDown: 0,
        deliveryPaused: false,
        workers: 1,
        workersWanted: 1,
      },
    })
    const { spool } = await root.get<{ spool: { freeBytes: number; totalBytes: number } }>(
      '/system',
    )
    expect(spool.freeBytes).toBeGreaterThan(0)
    expect(spool.totalBytes).toBeGreaterThanOrEqual(spool.freeBytes)
  })
})

describe('the quarantine', () => {
  test('shows nothing that acts, to nobody who has no part in it, and lets go what is asked for', async () => {
    await send('spam6@postern.test', payload)
    await send('spam6@other.test', 'theirs')
    const all = await held(root, 2)
    const mine = all.find(({ recipients }) => recipients[0] === 'spam6@postern.test')?.id ?? ''
    const theirs = all.find(({ recipients }) => recipients[0] === 'spam6@other.test')?.id ?? ''
    const response = await root.ask('GET', `/quarantine/${mine}`)
    expect(response.headers.get('content-type')).toContain('application/json')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    const shown = (await response.json()) as { text: string; attachments: object[] }
    expect(shown).toMatchObject({
      subject: payload,
      text: 'Hello',
      textFrom: 'html',
      mayRelease: true,
    })
    expect(shown.attachments).toMatchObject([{ type: 'application/octet-stream', part: '2' }])
    const raw = await root.ask('GET', `/quarantine/${mine}/raw`)
    expect(raw.headers.get('content-disposition')).toBe(`attachment; filename="${mine}.eml"`)
    expect(raw.headers.get('content-security-policy')).toContain('sandbox')
    expect(await raw.text()).toContain('<script>')

    for (const name of ['postern.test', 'other.test']) {
      await root.ask('POST', '/domains', { name })
    }
    await root.ask('POST', '/users', { user: 'spam6@postern.test', password })
    const dora = { name: 'dora', role: 'domain-admin', domains: ['postern.test'], password }
    await root.ask('POST', '/access/users', dora)
    const visitors = [
      await login('/session', { user: 'dora', password }),
      await login('/session', { user: 'spam6@postern.test', password }),
    ]
    for (const visitor of visitors) {
      expect((await held(visitor, 1)).map(({ id }) => id)).toEqual([mine])
      expect((await visitor.get<Page>('/quarantine?recipient=spam6@other.test')).items).toEqual([])
      expect((await visitor.ask('GET', `/quarantine/${theirs}`)).status).toBe(404)
      for (const action of ['release', 'delete', 'allow-sender']) {
        const asked = { action, ids: [theirs] }
        expect((await visitor.ask('POST', '/quarantine/actions', asked)).status).toBe(404)
      }
      const more = { action: 'release', ids: [mine], everybody: true }
      expect((await visitor.ask('POST', '/quarantine/actions', more)).status).toBe(403)
    }
    const [first, second] = visitors
    const messages = await first!.get<Page>('/messages')
    expect(messages.items.flatMap(({ recipients }) => recipients)).not.toContain('spam6@other.test')
    const aliases = [
      { address: 'hold-mine@postern.test', targets: ['spam6@postern.test'] },
      { address: 'hold-team@postern.test', targets: ['spam6@postern.test', 'dora@postern.test'] },
    ]
    for (const alias of aliases) {
      expect((await root.ask('POST', '/aliases', alias)).status).toBe(201)
      await send(alias.address, 'by an alias')
    }
    await send('hold-other@postern.test', 'by none')
    await held(root, 5)
    const byAlias = await eventually(async () => {
      const found = await held(second!, 3)
      return found.length === 3 ? found : undefined
    }, 'the mail of the aliases')
    const idOf = (address: string) => byAlias.find((each) => each.recipients[0] === address)?.id
    const onAlias = async (address: string): Promise<number> => {
      const asked = { action: 'delete', ids: [idOf(address)] }
      return (await second!.ask('POST', '/quarantine/actions', asked)).status
    }
    expect(await onAlias('hold-team@postern.test')).toBe(403)
    expect(await onAlias('hold-mine@postern.test')).toBe(200)
    const released = await second!.ask('POST', '/quarantine/actions', {
      action: 'release',
      ids: [mine],
    })
    expect(await released.json()).toMatchObject({ count: 1, ids: [mine] })
    await delivered(folder, ['spam6', 'postern.test'])
    const allowed = await root.ask('POST', '/quarantine/actions', {
      action: 'allow-sender',
      ids: [theirs],
    })
    expect(await allowed.json()).toMatchObject({
      rules: ['allow sender ann@else.test for spam6@other.test'],
    })
  }, 60_000)
})

describe('the queue', () => {
  test('is paused, listed, held and emptied through the running gateway', async () => {
    await root.ask('POST', '/queue/pause', { what: 'all' })
    await send('plain2@postern.test', 'waits')
    const [waiting] = await eventually(async () => {
      const { items } = await root.get<Page>('/queue?recipient=plain2@postern.test')
      return items.length > 0 ? items : undefined
    }, 'the queued message')
    const all = { action: 'hold', selection: { ids: [waiting?.id] } }
    expect(await (await root.ask('POST', '/queue/actions', all)).json()).toMatchObject({ count: 1 })
    expect(await root.get(`/queue/messages/${waiting?.id}`)).toMatchObject({
      held: true,
      subject: 'waits',
    })
    const nothing = { action: 'delete', selection: {} }
    expect((await root.ask('POST', '/queue/actions', nothing)).status).toBe(422)
    const gone = { action: 'delete', selection: { recipient: 'plain2@postern.test' } }
    expect(await (await root.ask('POST', '/queue/actions', gone)).json()).toMatchObject({
      count: 1,
    })
    const { paused } = await root.get<{ paused: object[] }>('/queue/pauses')
    expect(paused).toEqual([{ what: 'all' }])
    await root.ask('POST', '/queue/resume', { what: 'all' })
  })
})

describe('what the commands do besides', () => {
  const asked = async <T = Record<string, unknown>>(
    method: string,
    url: string,
    body?: object,
  ): Promise<T & { readonly status: number }> => {
    const response = await root.ask(method, url, body)
    return { ...((await response.json()) as T), status: response.status }
  }

  test('a queued message is taken home as it is', async () => {
    await root.ask('POST', '/queue/pause', { what: 'all' })
    await send('plain3@postern.test', 'as it is')
    const [waiting] = await eventually(async () => {
      const { items } = await root.get<Page>('/queue?recipient=plain3@postern.test')
      return items.length > 0 ? items : undefined
    }, 'the queued message')
    const raw = await root.ask('GET', `/queue/messages/${waiting?.id}/raw`)
    expect(raw.headers.get('content-disposition')).toContain(`${waiting?.id}.eml`)
    const text = await raw.text()
    expect(text).toContain('Subject: as it is')
    expect(text.length).toBe(Number(raw.headers.get('content-length')))
    expect((await root.ask('GET', '/queue/messages/none/raw')).status).toBe(404)
    expect(await root.get('/queue/damaged')).toEqual({ files: [], more: 0 })
    expect(await asked('POST', '/queue/check')).toMatchObject({ status: 200, damage: [] })
    await root.ask('POST', '/queue/resume', { what: 'all' })
  })

  test('held mail is chosen by what it is, and a copy of it goes to somebody', async () => {
    await send('spam7@postern.test', 'chosen')
    await held(root, 1, '?recipient=spam7@postern.test')
    const act = (body: object) => asked<{ count?: number }>('POST', '/quarantine/actions', body)
    const selection = { subject: 'chosen', recipient: '@postern.test' }
    const copy = { action: 'copy', selection, copyTo: 'spam6@postern.test' }
    expect(await act(copy)).toMatchObject({ status: 200, count: 1 })
    expect(await delivered(folder, ['spam6', 'postern.test'], 2)).toHaveLength(2)
    expect(await act({ action: 'delete', selection: { subject: 'no such' } })).toMatchObject({
      status: 200,
      count: 0,
    })
    for (const wrong of [
      { action: 'release' },
      { action: 'release', selection: {} },
      { action: 'release', selection, all: true },
      { action: 'copy', selection },
      { action: 'copy', selection, copyTo: 'nobody' },
      { action: 'release', selection, copyTo: 'spam6@postern.test' },
    ]) {
      expect((await act(wrong)).status, JSON.stringify(wrong)).toBe(422)
    }
    expect(await act({ action: 'delete', selection })).toMatchObject({ status: 200, count: 1 })
  })

  test('a domain is passed on, and not any more; the history and the diff say so', async () => {
    await folder.write('control/smtproutes', 'near.test:hop.near.test ann hush\n')
    const near = { domain: 'near.test', to: 'hop.near.test', login: true, accepted: false }
    const domain = { domain: 'far.test', to: 'hop.far.test:2525' }
    const dry = await asked('POST', '/relay-domains', { ...domain, dryRun: true })
    expect(dry).toMatchObject({ status: 200, written: false })
    expect(await root.get('/relay-domains')).toEqual({ domains: [near] })
    const added = await asked('POST', '/relay-domains', domain)
    expect(JSON.stringify(added)).toContain('+far.test')
    expect(JSON.stringify(added)).not.toContain('hush')
    const far = { ...domain, login: false, accepted: true }
    expect(await root.get('/relay-domains')).toEqual({ domains: [near, far] })
    const { items } = await root.get<{ items: object[] }>('/configuration/history')
    expect(items[0]).toMatchObject({ by: 'root', path: 'control/rcpthosts' })
    const control = await root.ask('GET', '/configuration/control')
    expect(await control.text()).toContain('near.test:hop.near.test ***')
    expect((await asked('DELETE', '/relay-domains/far.test')).status).toBe(200)
    expect((await asked('DELETE', '/relay-domains/far.test')).status).toBe(404)
    const wrong = { domain: 'no domain', to: 'hop' }
    expect((await asked('POST', '/relay-domains', wrong)).status).toBe(422)
    expect(await (await root.ask('GET', '/audit')).text()).not.toContain('hush')
  })

  test('reports are those of the commands', async () => {
    const doctor = await root.get<{ examinations: { about: string }[] }>('/system/doctor')
    expect(doctor.examinations.map(({ about }) => about)).toContain('spool')
    expect(await root.get('/alerts')).toMatchObject({ configured: false, active: [] })
    expect(await root.get('/tls-reports?day=2026-11-21')).toEqual({
      day: '2026-11-21',
      reports: [],
    })
    expect(await root.get('/shadow-report')).toMatchObject({ entries: [] })
    const { variables } = await root.get<{ variables: { name: string }[] }>('/policy/variables')
    expect(variables.map(({ name }) => name)).toContain('RELAYCLIENT')
    const { files } = await asked<{ files: object[] }>('POST', '/configuration/compile', {
      dryRun: true,
    })
    expect(files).toBeInstanceOf(Array)
  })

  test('with mistakes in it the configuration is not read anew, and they are said', async () => {
    expect(await asked('POST', '/reload')).toMatchObject({ status: 200, done: true })
    const before = await readFile(join(folder.config, 'postern.yaml'), 'utf8')
    await folder.write('postern.yaml', `${before}\nnonsense: 1\n`)
    const refused = await asked('POST', '/reload')
    await folder.write('postern.yaml', before)
    expect(refused).toMatchObject({
      status: 422,
      mistakes: [expect.objectContaining({ key: 'nonsense' })],
    })
  })

  test('mail is not taken for a while, and new workers take it again', async () => {
    expect(await asked('PUT', '/system/reception', { admits: false })).toMatchObject({
      status: 200,
      admits: false,
    })
    expect((await dialogue(gateway.port, ['QUIT']))[0]).toMatch(/^421 /)
    expect((await asked('PUT', '/system/reception', { admits: true })).status).toBe(200)
    expect(await asked('POST', '/restart', { graceMs: 1000 })).toMatchObject({
      status: 200,
      done: true,
    })
    expect((await send('plain1@postern.test', 'taken')).at(-2)).toMatch(/^250 /)
  }, 60_000)
})

describe('the live stream', () => {
  test('shows an administrator of domains their mail, however busy others are', async () => {
    const dora = await login('/session', { user: 'dora', password })
    const controller = new AbortController()
    const response = await dora.ask('GET', '/events', undefined, controller.signal)
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    for (let sent = 0; !text.includes('quiet@postern.test');) {
      const { value = '' } = await reader.read()
      text += value
      // From the first beat on it is known where now is.
      if (!text.includes(': beat') || sent++ > 0) continue
      await send('quiet@postern.test', 'mine')
      await Promise.all(Array.from({ length: 40 }, () => send('busy@other.test', 'theirs')))
    }
    controller.abort()
    expect(text).not.toContain('other.test')
  }, 60_000)
})

describe('the process', () => {
  test('streams what happens, and goes on from where a watcher was', async () => {
    const { token } = (await (
      await root.ask('POST', '/access/tokens', { name: 'tail', scopes: ['messages:read'] })
    ).json()) as { token: string }
    const controller = new AbortController()
    const response = await fetch(`${base}/api/v1/events`, {
      headers: { authorization: `Bearer ${token}` },
      signal: controller.signal,
    })
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    for (let sent = 0; !text.includes('streamed@postern.test');) {
      const { value = '' } = await reader.read()
      text += value
      if (text.includes('event: now') && sent++ === 0)
        await send('streamed@postern.test', 'streamed')
    }
    controller.abort()
    const [, id = ''] = /id: (\S+)/.exec(text) ?? []
    expect(id).not.toBe('')
  }, 60_000)

  test('hangs up on whoever takes its places and asks nothing', async () => {
    const { hostname, port } = new URL(base)
    const ends = ['', 'GET / HTTP/1.1\r\nHost: x\r\n'].map(async (beginning) => {
      const socket = connect({ host: hostname, port: Number(port) })
      socket.write(beginning)
      socket.resume()
      await once(socket, 'close')
    })
    await Promise.all(ends)
    expect(await (await fetch(`${base}/readyz`)).json()).toMatchObject({ status: 'ok' })
  }, 60_000)

  test('that dies is replaced, keeps its sessions, and mail goes on meanwhile', async () => {
    const before = await root.get<{ workers: object[]; running: boolean }>('/system')
    expect(before).toMatchObject({ running: true, workers: [{ answers: true }] })
    const { stdout } = await runPostern([
      'admin',
      'user',
      'list',
      '--json',
      '--config',
      folder.config,
    ])
    expect(stdout).toContain('"name":"root"')
    const second = await runPostern(['admin', 'setup-link', '--config', folder.config])
    expect(second.stdout).toMatch(/^http:\/\/127\.0\.0\.1:0\/setup#\S{43}\n$/)
    const admin = workersOf(gateway.pid).find(isAdministration) ?? 0
    // Mail goes first: it has a priority of 10, as nice(1) counts.
    const fields = (await readFile(`/proc/${admin}/stat`, 'utf8')).split(') ')[1]?.split(' ')
    expect(fields?.[16]).toBe('10')
    process.kill(admin, 'SIGKILL')
    const replies = await send('plain1@postern.test', 'meanwhile')
    expect(replies.at(-2)).toMatch(/^250 /)
    await gateway.seen('"event":"admin.opened"', 2)
    // The port is the system's choice in this test, and another one now.
    base =
      gateway
        .stderr()
        .match(/http:\/\/127\.0\.0\.1:\d+/g)
        ?.at(-1) ?? ''
    expect(await root.get('/session')).toMatchObject({ user: 'root', role: 'admin' })
    expect(await (await fetch(`${base}/readyz`)).json()).toMatchObject({ status: 'ok' })
    expect(gateway.stdout().match(/setup#/g)).toHaveLength(1)
  }, 60_000)
})
