/**
 * `node test/bench/hostile-mime.ts`: how long messages made to be expensive take, and how much memory, from the finished message
 * to the verdict of `mime-limits` and `attachments`. Each runs in a process of its own; the message itself is not counted.
 * The bounds are 1 s and 100 MB; a large ordinary message is there to compare with.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { zipSync } from 'fflate'
import { attachments } from '../../plugins/attachments/attachments.ts'
import { mimeLimits } from '../../plugins/mime-limits/mime-limits.ts'
import type { Plugin } from '../../src/plugin/plugin.ts'
import { memoryMessage } from '../../src/testkit/memory-message.ts'
import { pluginUnderTest } from '../../src/testkit/plugin-under-test.ts'

const mixed = 'Content-Type: multipart/mixed; boundary=b\r\n\r\n'
const megabytes = (count: number, text: string): string =>
  text.repeat((count * 1_048_576) / text.length)

function attached(content: Uint8Array): string {
  const lines = Buffer.from(content).toString('base64').replaceAll(/.{76}/g, '$&\r\n')
  return `${mixed}--b\r\nContent-Transfer-Encoding: base64\r\n\r\n${lines}\r\n--b--\r\n`
}

const cases: Readonly<Record<string, () => string>> = {
  '100,000 parts': () => `${mixed}${'--b\r\n\r\nx\r\n'.repeat(100_000)}`,
  '10,000 levels': () =>
    Array.from(
      { length: 10_000 },
      (_, n) => `Content-Type: multipart/x; boundary=b${n}\r\n\r\n--b${n}\r\n`,
    ).join(''),
  '10,000 messages in messages': () => 'Content-Type: message/rfc822\r\n\r\n'.repeat(10_000),
  'a header of 1 MB': () => `X: ${megabytes(1, 'aaaa')}\r\n\r\nx`,
  'a header of 1 MB in 200,000 fields': () => `${megabytes(1, 'X: y\r\n')}\r\nx`,
  'a million boundaries': () => `${mixed}--b\r\n\r\n${'--bc\r\n'.repeat(1_000_000)}--b--\r\n`,
  'a million boundaries of nobody': () =>
    `${mixed}--b\r\n\r\n${'--c\r\n'.repeat(1_000_000)}--b--\r\n`,
  'a million boundaries that begin alike, 49 open': () =>
    `${Array.from({ length: 49 }, (_, n) => `Content-Type: multipart/x; boundary=${'b'.repeat(n + 1)}\r\n\r\n--${'b'.repeat(n + 1)}\r\n`).join('')}\r\n${`--${'b'.repeat(60)}\r\n`.repeat(800_000)}`,
  '50 MB of line ends': () => `${mixed}--b\r\n\r\n${megabytes(50, '\r\n')}`,
  '50 MB of hyphens': () => `${mixed}--b\r\n\r\n${megabytes(50, '----')}`,
  '50 MB read in five ways': () =>
    `Content-Type: multipart/mixed; boundary=a; boundary=b\r\njunk\r\n\r\n--ab\r\n\r\nx\n--a\r\n\r\n${megabytes(50, 'some text\r\n')}--b--\r\n`,
  'a zip bomb': () => attached(zipSync({ zeros: new Uint8Array(100_000_000) })),
  'a gzip bomb': () => attached(gzipSync(Buffer.alloc(100_000_000))),
  'zip archives within zip archives': () => {
    let zip = zipSync({ zeros: new Uint8Array(900_000) })
    for (let level = 0; level < 5; level++) {
      zip = zipSync(Object.fromEntries(Array.from({ length: 16 }, (_, n) => [`${n}.zip`, zip])))
    }
    return attached(zip)
  },
  '50 MB as usual, for comparison': () =>
    attached(Buffer.alloc(36_000_000, 'some bytes of a picture')),
}

async function measure(name: string): Promise<void> {
  const message = memoryMessage(cases[name]?.() ?? '')
  const warm: readonly Plugin[] = [mimeLimits, attachments]
  for (const plugin of warm) await pluginUnderTest(plugin).message(attached(Buffer.from('warm')))
  globalThis.gc?.()
  const before = process.memoryUsage().rss
  let peak = before
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 5)
  const started = performance.now()
  const cpu = process.cpuUsage()
  const verdicts: string[] = []
  for (const plugin of warm) verdicts.push((await pluginUnderTest(plugin).message(message)).verdict)
  const tookMs = performance.now() - started
  const { user, system } = process.cpuUsage(cpu)
  const cpuMs = (user + system) / 1000
  clearInterval(watch)
  peak = Math.max(peak, process.memoryUsage().rss)
  const grown = (peak - before) / 1_048_576
  process.stdout.write(
    `${name.padEnd(48)} ${tookMs.toFixed(0).padStart(6)} ms ${cpuMs.toFixed(0).padStart(6)} ms of CPU ${grown.toFixed(0).padStart(5)} MB  ${verdicts.join(', ')}\n`,
  )
}

const [, , wanted] = process.argv
if (wanted !== undefined) await measure(wanted)
else {
  for (const name of Object.keys(cases)) {
    spawnSync(
      process.execPath,
      ['--conditions=source', '--expose-gc', fileURLToPath(import.meta.url), name],
      {
        stdio: 'inherit',
        timeout: 120_000,
      },
    )
  }
}
