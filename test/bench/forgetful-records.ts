/** In place of src/filter/session-record.ts: see without-traces.ts. */
import type { TraceRecord } from '../../src/filter/trace-record.ts'
import type { LogFields } from '../../src/runtime/log.ts'

export const mostOfName = 256

const record: TraceRecord = {
  head: {
    version: 1,
    id: '',
    session: '',
    chain: '',
    listener: '',
    remote: '',
    hostname: '',
    environment: '',
    recipients: [],
    stage: '',
    end: 'committed',
  },
  times: { at: 0, endedAt: 0 },
  detail: { steps: '[]' },
}

export function recordOf(): TraceRecord {
  return record
}

export function logFieldsOf(): LogFields {
  return {}
}
