/**
 * `npm run bench -- pages`: what each page asks the API for with 250,000 transactions recorded, and its load in Chromium. The
 * processor time of the administration is what to judge by: the wall clock of a busy machine says little.
 */
import {
  administered,
  asker,
  cpuMs,
  median,
  timed,
  type Administered,
} from '../bench/administered.ts'
import { isMissing } from '../setup/components.ts'
import { buildPages, openBrowser } from './browser.ts'
import { logIn } from './visits.ts'

const transactions = Number(process.env['POSTERN_BENCH_TRANSACTIONS'] ?? 250_000)
const aimMs = 300
const times = 5

/** What a page asks when it is opened; `ID` is a refused transaction of the archive. */
const pages: readonly (readonly [page: string, path: string, calls: readonly string[]])[] = [
  ['Now', '/', ['/now', '/chain']],
  ['Messages', '/messages', ['/messages']],
  ['Messages, refused', '/messages?outcome=refused', ['/messages?outcome=refused']],
  [
    'Messages, of an address',
    '/messages?address=user77%40postern.test',
    ['/messages?address=user77%40postern.test'],
  ],
  [
    'Messages, of a domain, refused',
    '/messages?sender=%40domain7.example&outcome=refused',
    ['/messages?sender=%40domain7.example&outcome=refused'],
  ],
  ['Messages, a text that is rare', '/messages?text=sender29999', ['/messages?text=sender29999']],
  ['Messages, none', '/messages?sender=no%40body.test', ['/messages?sender=no%40body.test']],
  ['Message', '/messages/ID', ['/messages/ID']],
  ['Queue', '/queue', ['/queue', '/queue/summary', '/queue/pauses']],
  ['Quarantine', '/quarantine', ['/quarantine']],
  ['Chain', '/chain', ['/chain']],
  ['Policy', '/policy', ['/policy/rules']],
  ['Domains', '/domains', ['/domains']],
  ['System', '/system', ['/system']],
]

export async function pageFigures(): Promise<readonly string[]> {
  await buildPages()
  const bench = await administered(transactions)
  try {
    const ask = asker(bench)
    const [refused] = (await ask('/messages?outcome=refused&limit=1')).items
    const id = encodeURIComponent(String(refused?.['id']))
    const lines = [
      `### pages: ${transactions} transactions recorded; the aim is ${aimMs} ms`,
      '',
      '| page | CPU ms | ms, median | ms, first | in Chromium, ms |',
      '|---|---|---|---|---|',
    ]
    const loads = await inBrowser(bench, id)
    for (const [page, path, calls] of pages) {
      const open = () => Promise.all(calls.map((call) => ask(call.replace('ID', id))))
      const first = await timed(open)
      const before = cpuMs(bench.pid)
      const walls: number[] = []
      for (let n = 0; n < times; n++) walls.push(await timed(open))
      const cpu = (cpuMs(bench.pid) - before) / times
      const cells = [cpu, median(walls), first, loads.get(path)]
      const shown = cells.map((ms) => (ms === undefined ? '–' : ms.toFixed(0)))
      lines.push(`| ${page} | ${shown.join(' | ')} |`)
    }
    return [...lines, '']
  } finally {
    await bench.stop()
  }
}

/**
 * Until a page has painted what it shows, from the beginning of its navigation by its own clock: whoever asks from outside
 * measures how often they ask.
 *
 * @returns milliseconds, by the path of the page; nothing without a browser
 */
async function inBrowser(bench: Administered, id: string): Promise<ReadonlyMap<string, number>> {
  if (isMissing('chromium')) return new Map()
  const browser = await openBrowser()
  try {
    const { page } = await browser.open()
    await page.goto(bench.origin)
    await logIn(page)
    const loads = new Map<string, number>()
    await page.addInitScript(noteWhenShown)
    for (const [, path] of pages) {
      const load = async (): Promise<number> => {
        await page.goto(`${bench.origin}${path.replace('ID', id)}`, { waitUntil: 'commit' })
        return page.evaluate<number>('shown')
      }
      await load()
      const walls: number[] = []
      // oxlint-disable-next-line no-await-in-loop -- one at a time, as a person opens them
      for (let n = 0; n < times; n++) walls.push(await load())
      loads.set(path, median(walls))
    }
    return loads
  } finally {
    await browser.close()
  }
}

/** Runs in the page, before its own script. */
function noteWhenShown(): void {
  const shown = new Promise<number>((resolve) => {
    const observer = new MutationObserver(() => {
      const main = document.querySelector('main')
      if (main?.querySelector('h1') === null || main?.textContent.includes('Loading …') !== false)
        return
      observer.disconnect()
      // The frame is painted before the next task.
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now())))
    })
    observer.observe(document, { childList: true, subtree: true, characterData: true })
  })
  Object.assign(globalThis, { shown })
}
