/** Each page, with hostile mail in the gateway: for those who see little, on small screens, in light and in dark. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { eventually } from '../end-to-end/started-gateway.ts'
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
  ['quarantine', '/quarantine'],
  ['chain', '/chain'],
  ['entry', '/chain/attachments'],
  ['history', '/chain/history'],
  ['policy', '/policy'],
  ['lists', '/policy/lists'],
  ['greylist', '/policy/greylist'],
  ['domains', '/domains'],
  ['try', '/try'],
  ['system', '/system'],
  ['files', '/system/files'],
  ['log', '/system/log'],
  ['users', '/system/users'],
  ['tokens', '/system/tokens'],
  ['audit', '/system/audit'],
  ['me', '/system/me'],
  ['nowhere', '/no/such/page'],
]
/** Only colours differ in the dark, and they are the same on every screen. */
const looks = [
  { scheme: 'light', size: 'wide', width: 1280, rules: 'all' },
  { scheme: 'light', size: 'narrow', width: 320, rules: 'all' },
  { scheme: 'dark', size: 'narrow', width: 320, rules: 'none' },
  { scheme: 'dark', size: 'wide', width: 1280, rules: 'colours' },
] as const

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
        const against = rules === 'none' ? [] : await accessibilityFaults(watched, rules)
        faults.push(...against.map((fault) => `${where}: ${fault}`))
        const wider = await overflow(page)
        if (wider > 0) faults.push(`${where}: ${wider} pixels too wide`)
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

  test('lets nothing of it run, and asks nobody but the gateway', () => {
    expect(watched.trouble).toEqual([])
    expect(watched.asked.filter((url) => !url.startsWith(`${mail.origin}/`))).toEqual([])
  })
})
