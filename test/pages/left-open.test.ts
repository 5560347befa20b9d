/** The live stream, a page that stays open while the gateway is restarted, and a walk without a mouse. */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { dialogue } from '../end-to-end/started-gateway.ts'
import { isMissing } from '../setup/components.ts'
import {
  buildPages,
  openBrowser,
  patience,
  type WatchedBrowser,
  type WatchedPage,
} from './browser.ts'
import { fillWithMail, gatewayWithMail, type GatewayWithMail } from './gateway-with-mail.ts'
import { setUp } from './visits.ts'

describe.skipIf(isMissing('chromium'))('a page that stays open', () => {
  vi.setConfig({ testTimeout: 120_000 })
  let mail: GatewayWithMail
  let browser: WatchedBrowser
  let watched: WatchedPage
  let page: Page

  beforeAll(async () => {
    await buildPages()
    mail = await gatewayWithMail()
    await fillWithMail(mail)
    browser = await openBrowser()
    watched = await browser.open({ viewport: { width: 1280, height: 900 } })
    page = watched.page
    await setUp(page, mail.setupLink)
  }, 120_000)

  afterAll(async () => {
    await browser.close()
    await mail.remove()
  })

  const live = () => page.getByRole('region', { name: 'Live' })

  test('shows mail as it comes, and nothing new while it is paused', async () => {
    await live().getByText('connected', { exact: true }).waitFor()
    await mail.send({ from: 'first@live.test' })
    await live().getByText('first@live.test').waitFor()
    await page.getByRole('button', { name: 'Pause' }).click()
    await mail.send({ from: 'second@live.test' })
    await page.getByRole('button', { name: 'Go on (1 missed)' }).waitFor()
    expect(await live().getByText('second@live.test').count()).toBe(0)
    await page.getByRole('button', { name: 'Go on' }).click()
    await mail.send({ from: 'third@live.test' })
    await live().getByText('third@live.test').waitFor()
  })

  test('shows some of a flood, and how many there were besides', async () => {
    const transaction = ['MAIL FROM:<flood@live.test>', 'RCPT TO:<bob@postern.test>', 'RSET']
    const flood = Array.from({ length: 90 }, () => transaction).flat()
    // All in one piece: it is to be a flood on a slow machine too.
    await dialogue(mail.gateway().port, ['EHLO client.test', [...flood, 'QUIT'].join('\r\n')])
    const more = live().getByText(/^and \d+ more$/)
    await more.first().waitFor()
    await live().getByText('flood@live.test').first().waitFor()
    expect(await live().getByText('flood@live.test').count()).toBeLessThan(90)
  })

  test('says that the gateway is gone, and goes on when it is back', async () => {
    const second = await watched.context.newPage()
    await second.goto(`${mail.origin}/messages`)
    await second.getByRole('table', { name: 'Messages' }).waitFor()
    await mail.stop()
    await live().getByText('connection lost, trying again').waitFor()
    await second.getByRole('button', { name: 'Refresh' }).click()
    await second.getByText('What is shown may be old').waitFor()
    // What was there is still there.
    expect(await second.locator('tbody tr').count()).toBeGreaterThan(0)
    await mail.start()
    await second.getByText('What is shown may be old').waitFor({ state: 'detached' })
    await live().getByText('connected again').waitFor()
    await mail.send({ from: 'after@live.test' })
    await live().getByText('after@live.test').waitFor()
    await second.getByRole('button', { name: 'Refresh' }).click()
    await second.getByText('after@live.test').waitFor()
    await second.close()
  })

  test('can be used without a mouse', async () => {
    await page.goto(mail.origin)
    await page.getByRole('heading', { name: 'Now', level: 1 }).waitFor()
    await page.keyboard.press('Tab')
    expect(await focused()).toContain('Skip to the page')
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('g')
    await page.keyboard.press('m')
    await page.getByRole('table', { name: 'Messages' }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('@bad.test')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('tbody tr').count(), patience).toBe(1)
    await page.keyboard.press('Escape')
    await page.keyboard.press('j')
    expect(await focused()).toContain('spammer@bad.test')
    await page.keyboard.press('Enter')
    await page.getByText('This decided').waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('h')
    await page.getByRole('table', { name: 'Held messages' }).waitFor()
    await page.keyboard.press('k')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Release' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    // The focus stays inside, and Esc gives it back.
    for (let times = 0; times < 5; times += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one key after the other
      await page.keyboard.press('Tab')
    }
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await focused()).toContain('Release')
  })

  const focused = (): Promise<string> => page.evaluate<string>('document.activeElement.textContent')

  test('is not disturbed by those who ask and hang up at once', async () => {
    const { hostname, port } = new URL(mail.origin)
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        const socket = connect(Number(port), hostname)
        socket.on('error', () => undefined)
        await once(socket, 'connect')
        socket.end('GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n', () => socket.resetAndDestroy())
        await once(socket, 'close')
      }),
    )
    await page.goto(`${mail.origin}/messages`)
    await page.getByRole('table', { name: 'Messages' }).waitFor()
    const log = await readFile(join(mail.folder.root, 'var/postern.log'), 'utf8')
    expect(log).not.toContain('admin.failed')
  })

  test('met no error', () => {
    expect(watched.trouble).toEqual([])
  })
})
