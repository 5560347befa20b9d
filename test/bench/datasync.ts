import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { checkout } from '../end-to-end/started-gateway.ts'

/** What one fdatasync of 4 KB costs here, in ms: the median of 100, in a file that is as large already. */
export function datasyncMs(): number {
  const folder = mkdtempSync(join(checkout, '.cache/bench-'))
  const file = openSync(join(folder, 'probe'), 'w')
  const block = Buffer.alloc(4096, 'x')
  for (let index = 0; index < 100; index++)
    writeSync(file, block, 0, block.length, index * block.length)
  fdatasyncSync(file)
  const times = Array.from({ length: 100 }, (_, index) => {
    writeSync(file, block, 0, block.length, index * block.length)
    const before = performance.now()
    fdatasyncSync(file)
    return performance.now() - before
  })
  closeSync(file)
  rmSync(folder, { recursive: true })
  return times.toSorted((a, b) => a - b)[50] ?? Number.NaN
}
