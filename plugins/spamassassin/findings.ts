import { findingKey } from 'postern/plugin'

/** What SpamAssassin says of the message; of several opinions (one for each user) the worst. */
export const spamassassinResult = findingKey<
  {
    readonly score: number
    /** From which score on SpamAssassin itself calls it spam. */
    readonly required: number
    readonly spam: boolean
    /** The names of the rules that matched; empty where they were not asked for. */
    readonly rules: readonly string[]
  },
  'spamassassin'
>('spamassassin')
