/** In place of src/tools/open-traces.ts: see without-traces.ts. */
import type { Archive } from '../../src/runtime/archive.ts'

export { openRecordedTraces, openTraceSearch } from '../../src/tools/open-traces.ts'

export function openTraces(): Promise<Archive> {
  return Promise.resolve({
    waiting: 0,
    dropped: 0,
    addLater: () => undefined,
    noteLater: () => undefined,
    note: () => Promise.resolve(undefined),
    find: () => Promise.resolve({ rows: [] }),
    tally: () => Promise.resolve({ counts: [], upTo: 0, isComplete: true }),
    extent: () => Promise.resolve({ newest: 0, sizeBytes: 0 }),
    close: () => Promise.resolve(),
  })
}
