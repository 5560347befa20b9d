import { findingKey } from 'postern/plugin'

/** What rspamd says of the message; where each recipient was asked about, of the worst. */
export const rspamdResult = findingKey<
  {
    /** As rspamd calls it: `no action`, `add header`, `reject`, … */
    readonly action: string
    readonly score: number
    /** From which score on it rejects. */
    readonly required: number
    /** The names of the symbols, the heaviest first. */
    readonly symbols: readonly string[]
  },
  'rspamd'
>('rspamd')
