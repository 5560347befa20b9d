import { findingKey } from 'postern/plugin'

/** The attachments of a message: what they are called, by whatever reader, and what they are. At most 50. */
export const attachmentsFound = findingKey<
  readonly {
    readonly names: readonly string[]
    readonly type: string
    /** By its first bytes. */
    readonly content?: string
    readonly sizeBytes: number
  }[],
  'attachments'
>('attachments')

/** How readers of the message may differ: `content-type`, `boundary`, `encoding` … Only where they may. */
export const mimeAmbiguities = findingKey<readonly string[], 'mime-ambiguities'>('mime-ambiguities')
