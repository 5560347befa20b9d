/** Each page, with hostile mail in the gateway: for those who see little, on small screens, in light and in dark. */
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { delivered, eventually, runPostern } from '../end-to-end/started-gateway.ts'
import { isMissing } from '../setup/components.ts'
import {
  accessibilityFaults,
  buildPages,
  keepPicture,
  openBrowser,
  overflow,
  type WatchedBrowser,
  type WatchedPage,
} from './browser.ts'
import { fillWithMail, gatewayWithMail, script, type GatewayWithMail } from './gateway-with-mail.ts'
import { setUp } from './visits.ts'

const fixed: readonly (readonly [name: string, path: string])[] = [
  ['now', '/'],
  ['messages', '/messages'],
  ['queue', '/queue'],
  ['tls', '/queue/tls'],
  ['spool', '/queue/spool'],
  ['quarantine', '/quarantine'],
  ['chain', '/chain'],
  ['entry', '/chain/attachments'],
  ['shadow', '/chain/shadow'],
  ['history', '/chain/history'],
  ['policy', '/policy'],
  ['lists', '/policy/lists'],
  ['greylist', '/policy/greylist'],
  ['relay', '/policy/relay'],
  ['domains', '/domains'],
  ['try', '/try'],
  ['system', '/system'],
  ['files', '/system/files'],
  ['control', '/system/control'],
  ['log', '/system/log'],
  ['users', '/system/users'],
  ['tokens', '/system/tokens'],
  ['audit', '/system/audit'],
  ['me', '/system/me'],
  ['nowhere', '/no/such/page'],
]
/** In the dark only colours differ, and they are the same on every screen. */
const looks = [
  { scheme: 'light', size: 'narrow', width: 320, rules: 'all but colours' },
  { scheme: 'light', size: 'wide', width: 1280, rules: 'all' },
  { scheme: 'dark', size: 'wide', width: 1280, rules: 'colours' },
] as const

/** So much of its first table can only be scrolled to. */
function hiddenInTable(page: WatchedPage['page']): Promise<number> {
  const frame = page.locator('.table-frame').first()
  return frame.evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)
}

describe.skipIf(isMissing('chromium'))('each page', () => {
  vi.setConfig({ testTimeout: 120_000 })
  let mail: GatewayWithMail
  let browser: WatchedBrowser
  let watched: WatchedPage
  let found: readonly (readonly [name: string, path: string])[] = []
  /** What each was told to ask, and what it asked. */
  const visits = new Map<
    string,
    { readonly link?: string | undefined; readonly asked: readonly string[] }
  >()

  beforeAll(async () => {
    await buildPages()
    mail = await gatewayWithMail()
    await fillWithMail(mail)
    browser = await openBrowser()
    watched = await browser.open()
    await setUp(watched.page, mail.setupLink)
    found = [
      ['message', await firstLink('/messages?outcome=quarantined', 'Messages')],
      ['queued', await firstLink('/queue', 'Queued messages')],
      ['held', await firstLink('/quarantine', 'Held messages')],
    ]
  }, 120_000)

  afterAll(async () => {
    await browser.close()
    await mail.remove()
  })

  const firstLink = (path: string, table: string): Promise<string> =>
    eventually(async () => {
      await watched.page.goto(`${mail.origin}${path}`)
      await watched.page.getByRole('button', { name: 'Refresh' }).waitFor()
      await settled()
      const links = watched.page.locator(`table[aria-label="${table}"] a`)
      return (await links.count()) === 0
        ? undefined
        : ((await links.first().getAttribute('href')) ?? undefined)
    }, `a link at ${path}`)

  /** Nothing is loading any more. */
  const settled = async (): Promise<void> => {
    await watched.page.locator('h1').first().waitFor()
    await watched.page.locator('main:not(:has-text("Loading …"))').waitFor()
  }

  test('passes axe and fits 320 pixels, in light and in dark', async () => {
    const { page } = watched
    const faults: string[] = []
    for (const [name, path] of [...fixed, ...found]) {
      const before = watched.asked.length
      const response = await page.goto(`${mail.origin}${path}`)
      await settled()
      visits.set(name, {
        link: response?.headers()['link'],
        asked: watched.asked.slice(before).filter((url) => url.includes('/api/v1/')),
      })
      for (const { scheme, size, width, rules } of looks) {
        await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
        await page.setViewportSize({ width, height: 900 })
        const where = `${name}, ${size}, ${scheme}`
        const against = await accessibilityFaults(watched, rules)
        faults.push(...against.map((fault) => `${where}: ${fault}`))
        const wider = await overflow(page)
        if (wider > 0) faults.push(`${where}: ${wider} pixels too wide`)
        // Nobody has to look for a mode beyond the edge of the table.
        const hidden = name === 'chain' && size === 'wide' ? await hiddenInTable(page) : 0
        if (hidden > 0) faults.push(`${where}: ${hidden} pixels of the table are hidden`)
        await keepPicture(page, `${name}-${size}-${scheme}`)
      }
    }
    expect(faults).toEqual([])
  }, 300_000)

  test('is named what it asks first, and asks for it once', () => {
    // The others go on by themselves: with a stream, with a check.
    const named = ['messages', 'queue', 'quarantine', 'chain', 'policy', 'domains', 'message']
    for (const name of named) {
      const { link = '', asked = [] } = visits.get(name) ?? {}
      const hinted = [...link.matchAll(/<([^>]+)>/g)].map(([, url]) => `${mail.origin}${url}`)
      expect(hinted.length, name).toBeGreaterThan(0)
      expect(asked.toSorted(), name).toEqual(
        [...hinted, `${mail.origin}/api/v1/session`].toSorted(),
      )
    }
  })

  test('shows hostile mail as the text it is', async () => {
    const { page } = watched
    for (const [name, path] of found) {
      await page.goto(`${mail.origin}${path}`)
      await settled()
      const text = await page.locator('main').textContent()
      expect([
        name,
        text?.includes('<img src=') === true || text?.includes('<svg') === true,
      ]).toEqual([name, true])
    }
    expect(await page.locator('main').textContent()).toContain(`${script}.exe`)
    expect(await page.locator('main img').count()).toBe(0)
  })

  describe('has what an operator looks for there:', () => {
    const visit = async (path: string): Promise<void> => {
      await watched.page.setViewportSize({ width: 1280, height: 900 })
      await watched.page.goto(`${mail.origin}${path}`)
      await settled()
    }
    const row = (text: string) => watched.page.locator('tbody tr', { hasText: text })
    const dialog = () => watched.page.getByRole('dialog')
    const press = async (button: string | RegExp, confirm: string): Promise<void> => {
      await watched.page.getByRole('button', { name: button }).click()
      await dialog().getByRole('button', { name: confirm, exact: true }).click()
      await dialog().waitFor({ state: 'detached' })
    }

    test('on System the door, new workers, alerts and the state of the installation', async () => {
      const { page } = watched
      await visit('/system')
      await page.getByText('Nobody looks, and nobody is told').waitFor()
      expect(await page.getByText('Nothing is wrong').count()).toBe(0)
      await press('Take no mail …', 'Take no mail')
      await page.getByText('No mail is taken').waitFor()
      expect(await mail.send({})).toEqual([expect.stringContaining('421')])
      await page.goto(mail.origin)
      await page.getByText('No mail is taken').waitFor()
      await visit('/system')
      await press('Take mail again …', 'Take mail')
      await page.getByText('No mail is taken').waitFor({ state: 'detached' })
      await press('New workers …', 'Replace them')
      await page.getByText('The workers were replaced').waitFor()
      await page.getByRole('button', { name: 'Examine' }).click()
      await row('configuration').first().waitFor()
      await row('gateway').getByText('well').first().waitFor()
    })

    test('the control files, with what holds where there are none', async () => {
      const { page } = watched
      await visit('/system/control')
      await row('badmailfrom').getByText('@bad.test').waitFor()
      expect(await row('databytes').count()).toBe(0)
      await page.getByLabel('Those that are not there, too').check()
      await row('databytes').first().waitFor()
    })

    test('on Queue its TLS with others, the spool, and each message as a file', async () => {
      const { page } = watched
      await visit('/queue/spool')
      await page.getByRole('button', { name: 'Check' }).click()
      await page.getByText('every checksum holds').waitFor()
      await page.getByText('Nothing was set aside').waitFor()
      await visit('/queue?domain=slow.test')
      await page.locator('table[aria-label="Queued messages"] a').first().click()
      const [letter] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: 'Save as file' }).click(),
      ])
      expect(await readFile(await letter.path(), 'utf8')).toContain('cid@slow.test')
    })

    test('on Chain what shadows would have done, and the way to enforce them', async () => {
      const { page } = watched
      await visit('/chain/shadow')
      expect(await row('GREYLIST_FIRST').textContent()).toContain('would defer')
      await row('GREYLIST_FIRST').getByRole('link').first().click()
      await page.getByRole('region', { name: 'Chain picture' }).waitFor()
      await visit('/chain/shadow')
      await page.getByRole('button', { name: 'Enforce greylist' }).click()
      await dialog().locator('.removed', { hasText: 'mode: shadow' }).waitFor()
      await page.keyboard.press('Escape')
    })

    test('on Policy domains that are passed on, after the diff of each file', async () => {
      const { page } = watched
      await visit('/policy/relay')
      await row('slow.test').waitFor()
      await page.getByRole('textbox', { name: 'Domain' }).fill('far.test')
      await page.getByLabel('Goes to').fill('127.0.0.1:2')
      await page.getByRole('button', { name: 'Show the diff' }).click()
      await dialog().locator('.added', { hasText: 'far.test' }).waitFor()
      await dialog().getByRole('button', { name: 'Write it' }).click()
      await row('far.test').getByText('127.0.0.1:2').waitFor()
      expect(await mail.folder.read('control/rcpthosts')).toContain('far.test')
      await press('Remove far.test', 'Remove it')
      await row('far.test').waitFor({ state: 'detached' })
      expect(await mail.folder.read('control/smtproutes')).not.toContain('far.test')
      await visit('/policy')
      await page.getByText('Variables that a rule may set').click()
      await row('RELAYCLIENT').first().waitFor()
    })

    test('in the quarantine a copy for somebody, while it stays held', async () => {
      const { page } = watched
      await visit(found.find(([name]) => name === 'held')?.[1] ?? '')
      await page.getByRole('button', { name: 'Send a copy' }).click()
      await dialog().getByLabel('To').fill('expert@postern.test')
      await dialog().getByRole('button', { name: 'Send a copy' }).click()
      await page.getByText('1 message copied').waitFor()
      const [copy] = await delivered(mail.folder, ['expert', 'postern.test'])
      expect(copy).toContain('you have won')
      await page.reload()
      await page.getByText('Held because').waitFor()
    })
  })

  test('keeps what is quarantined from those who may see the queue alone', async () => {
    const { page } = watched
    const api = `${mail.origin}/api/v1`
    const { csrfToken } = (await (await page.request.get(`${api}/session`)).json()) as {
      readonly csrfToken: string
    }
    const tokenFor = async (...scopes: readonly string[]): Promise<object> => {
      const made = await page.request.post(`${api}/access/tokens`, {
        headers: { 'x-csrf-token': csrfToken },
        data: { name: 'program', scopes },
      })
      const { token } = (await made.json()) as { readonly token: string }
      return { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    }
    const ask = async (headers: object, path: string, body?: object) => {
      const answer = await fetch(`${api}${path}`, {
        headers: { ...headers },
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      })
      return { status: answer.status, text: await answer.text() }
    }
    const id =
      found
        .find(([name]) => name === 'held')?.[1]
        .split('/')
        .at(-1) ?? ''
    const queue = await tokenFor('queue:read', 'queue:raw', 'queue:write')
    const shown = await ask(queue, `/queue/messages/${id}`)
    expect(shown.text).toContain('"quarantined":true')
    expect(shown.text).not.toContain('you have won')
    expect(await ask(queue, `/queue/messages/${id}/raw`)).toMatchObject({
      status: 403,
      text: expect.stringContaining('quarantine:raw'),
    })
    const release = { action: 'release', selection: { ids: [id] }, dryRun: true }
    expect((await ask(queue, '/queue/actions', release)).text).toContain('"count":0')
    const all = { ...release, selection: { quarantined: true } }
    expect((await ask(queue, '/queue/actions', all)).status).toBe(403)
    const both = await tokenFor('queue:raw', 'quarantine:raw', 'queue:write', 'quarantine:write')
    expect((await ask(both, `/queue/messages/${id}/raw`)).text).toContain('you have won')
    expect((await ask(both, '/queue/actions', release)).text).toContain('"count":1')
    expect((await ask(await tokenFor('queue:read'), '/queue/check', {})).status).toBe(403)
  })

  test('says of mail that no session brought how it came', async () => {
    const { page } = watched
    const { code } = await runPostern(
      ['sendmail', '-f', 'cron@host.test', 'bob@postern.test'],
      'Subject: cron\n\nhello\n',
      { POSTERN_CONFIG: mail.folder.config },
    )
    expect(code).toBe(0)
    await firstLink('/messages?sender=cron%40host.test', 'Messages')
    expect(await page.locator('tbody tr').textContent()).toContain('sendmail, inject')
    await page.getByRole('link', { name: 'cron@host.test' }).click()
    await page.getByText('sendmail, inject, qmail-queue or a forward').waitFor()
    expect(await page.getByText('no TLS').count()).toBe(0)
  })

  test('lets nothing of it run, and asks nobody but the gateway', () => {
    expect(watched.trouble).toEqual([])
    expect(watched.asked.filter((url) => !url.startsWith(`${mail.origin}/`))).toEqual([])
  })
})
