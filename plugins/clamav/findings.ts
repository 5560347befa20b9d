import { findingKey } from 'postern/plugin'

/** What a virus scanner says of the message. There is none where it was not scanned. */
export const virusScan = findingKey<
  {
    readonly scanner: string
    readonly result: 'clean' | 'infected' | 'suspicious' | 'too-large'
    /** Its name for what it found; empty where it found nothing. */
    readonly signature: string
  },
  'virus-scan'
>('virus-scan')
