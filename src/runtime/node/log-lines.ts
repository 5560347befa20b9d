/** The lines of log files, however large: as they come, compressed or not, from folders in their order. */
import { createReadStream, createWriteStream, fstatSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'

/** Of a longer line the rest is dropped. */
const longestLine = 65_536
const chunkBytes = 1 << 18
const gzipMagic = [0x1f, 0x8b] as const

/**
 * Bytes are characters (latin1). Yields the lines of one chunk at a time, without their ends.
 * @param path a file, a folder as multilog keeps it, or `-`: the standard input
 * @throws what the system says of a file that cannot be read, or is no gzip within
 */
export async function* logLines(path: string): AsyncIterable<readonly string[]> {
  for (const file of await filesOf(path)) yield* split(unzipped(bytesOf(file)))
}

/** For the next run, into a file that whoever started us has opened; otherwise for nobody. Bytes are characters. */
export function writeLines(descriptor: number, lines: Iterable<string>): Promise<void> {
  // Nobody has opened it, or it is one that this process itself works with.
  if (!isFile(descriptor)) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  const out = createWriteStream('', { fd: descriptor, autoClose: false })
  out.on('error', () => resolve())
  out.end([...lines].map((line) => `${line}\n`).join(''), 'latin1', resolve)
  return promise
}

function isFile(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFile()
  } catch {
    return false
  }
}

/** Old files are named after the time at which they ended; `current` is the last. */
async function filesOf(path: string): Promise<readonly string[]> {
  if (path === '-' || !(await stat(path)).isDirectory()) return [path]
  const names = await readdir(path)
  const old = names.filter((name) => /^@[0-9a-f]{24}\.[su](?:\.gz)?$/.test(name)).toSorted()
  const current = names.includes('current') ? ['current'] : []
  return [...old, ...current].map((name) => join(path, name))
}

function bytesOf(file: string): AsyncIterable<Buffer> {
  return file === '-' ? process.stdin : createReadStream(file, { highWaterMark: chunkBytes })
}

/** By its first bytes, whatever its name. */
async function* unzipped(bytes: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const chunks = bytes[Symbol.asyncIterator]()
  const first = await chunks.next()
  if (first.done === true) return
  const all = rejoined(first.value, chunks)
  if (!gzipMagic.every((byte, at) => first.value[at] === byte)) return yield* all
  const gunzip = createGunzip({ chunkSize: chunkBytes })
  pipeline(all, gunzip, () => undefined)
  yield* gunzip as AsyncIterable<Buffer>
}

async function* rejoined(first: Buffer, rest: AsyncIterator<Buffer>): AsyncIterable<Buffer> {
  yield first
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
}

async function* split(chunks: AsyncIterable<Buffer>): AsyncIterable<readonly string[]> {
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + chunk.toString('latin1')).split('\n')
    rest = (lines.pop() ?? '').slice(0, longestLine)
    yield lines
  }
  if (rest !== '') yield [rest]
}
