/** Debian's Chromium, watched: what it asks for, what goes wrong in it, and what axe finds. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  chromium,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
} from 'playwright-core'
import { build } from 'vite'
import { component } from '../setup/components.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Npm builds them when it installs; who has only checked out has none yet. */
export async function buildPages(): Promise<void> {
  if (existsSync(join(root, 'dist/ui/index.html'))) return
  const pages = join(root, 'src/admin/ui')
  await build({ root: pages, configFile: join(pages, 'vite.config.ts'), logLevel: 'silent' })
}

export interface WatchedBrowser {
  open(options?: BrowserContextOptions): Promise<WatchedPage>
  close(): Promise<void>
}

export interface WatchedPage {
  readonly page: Page
  readonly context: BrowserContext
  /** The address of everything that was asked for. */
  readonly asked: readonly string[]
  /** Errors of scripts, breaches of the content security policy, and dialogs: none of them is ever right. */
  readonly trouble: readonly string[]
}

/** For `expect.poll`: a browser on a busy machine takes its time. */
export const patience = { timeout: 45_000 } as const

const settings = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export async function openBrowser(): Promise<WatchedBrowser> {
  const profile = await mkdtemp(join(tmpdir(), 'postern-browser-'))
  const browser = await chromium.launch({
    executablePath: component('chromium')?.path ?? 'chromium',
    args: settings,
    env: { ...process.env, HOME: profile },
  })
  return {
    async open(options = {}) {
      const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
      const page = await context.newPage()
      page.setDefaultTimeout(patience.timeout)
      return { page, context, ...watch(page) }
    },
    async close() {
      await browser.close()
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function watch(page: Page): Pick<WatchedPage, 'asked' | 'trouble'> {
  const asked: string[] = []
  const trouble: string[] = []
  page.on('request', (request) => void asked.push(request.url()))
  page.on('pageerror', (error) => void trouble.push(`error: ${error.message}`))
  page.on('console', (message) => {
    if (/content security policy/i.test(message.text())) trouble.push(message.text())
  })
  page.on('dialog', (dialog) => {
    trouble.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  return { asked, trouble }
}

const rulesAboutColours = ['color-contrast', 'link-in-text-block']

/** What axe is told, by the rules that it is to look at. */
const axeOptions = {
  all: {},
  colours: { runOnly: rulesAboutColours },
  'all but colours': {
    rules: Object.fromEntries(rulesAboutColours.map((rule) => [rule, { enabled: false }])),
  },
} as const

/** What axe-core finds: one line for each kind of fault. Asked for by the debugger, past the page's own policy. */
export async function accessibilityFaults(
  { page, context }: WatchedPage,
  rules: keyof typeof axeOptions = 'all',
): Promise<string[]> {
  const debuggerSession = await context.newCDPSession(page)
  try {
    const { result: known } = await debuggerSession.send('Runtime.evaluate', {
      expression: `typeof axe === 'object'`,
    })
    if (known.value !== true) {
      const path = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
      const expression = await readFile(path, 'utf8')
      await debuggerSession.send('Runtime.evaluate', { expression })
    }
    // What passes needs no description.
    const options = JSON.stringify({ ...axeOptions[rules], resultTypes: ['violations'] })
    const { result } = await debuggerSession.send('Runtime.evaluate', {
      expression: `axe.run(${options}).then(({ violations }) => violations.map(
        ({ id, nodes }) => id + ': ' + nodes.map(({ target }) => target.join(' ')).join(', ')))`,
      awaitPromise: true,
      returnByValue: true,
    })
    return result.value as string[]
  } finally {
    await debuggerSession.detach()
  }
}

/** By how many pixels the page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - innerWidth')
}

/** For whoever wants to look: `SCREENSHOTS=folder` keeps a picture of each page that a test visits. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  const folder = process.env['SCREENSHOTS']
  if (folder === undefined) return
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}
