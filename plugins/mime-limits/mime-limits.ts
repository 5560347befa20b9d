/** How large a message may be, and of how many parts and levels. What is more than the scanner reads is always too much. */
import { definePlugin, mimeLimits as readable, option, type MimeTree } from 'postern/plugin'
import { outcomeOption, verdictOn, type Complaint } from '../shared/outcome/outcome.ts'

export const mimeLimits = definePlugin({
  name: 'mime-limits',
  summary: 'Bounds the size of a message, its parts and its levels.',
  options: {
    parts: option.integer({ default: 500, min: 1, max: readable.parts }),
    depth: option.integer({
      default: 20,
      min: 1,
      max: readable.depth,
      description: 'Multiparts and messages within each other.',
    }),
    over: outcomeOption({ default: 'reject', description: 'What becomes of a message with more.' }),
    size: option.size({
      default: 0,
      env: 'DATABYTES',
      description: '0: no limit beside the receiver’s.',
    }),
    too_large: outcomeOption({ default: 'reject' }),
  },
  setup: () => ({
    async message({ message }, { options, signal }) {
      const complaints: Complaint[] = []
      if (options.size > 0 && message.sizeBytes > options.size) {
        complaints.push({
          check: 'size',
          reason: 'MESSAGE_TOO_LARGE',
          outcome: options.too_large,
          detail: `${message.sizeBytes} bytes`,
          text: 'Message too large',
          status: '5.3.4',
        })
      }
      const detail = excessOf(await message.mime(signal), options)
      if (detail !== undefined) {
        const text = `The structure of the message is too large: ${detail}`
        complaints.push({
          check: 'structure',
          outcome: options.over,
          detail,
          text,
          status: '5.6.0',
        })
      }
      return verdictOn(complaints, { reason: 'MIME_LIMIT', field: 'X-MIME-Limit' })
    },
  }),
})

interface Allowed {
  readonly parts: number
  readonly depth: number
}

function excessOf({ limit, readings }: MimeTree, allowed: Allowed): string | undefined {
  if (limit !== undefined) return `too many or too long: ${limit.limit}`
  for (const { parts } of readings) {
    if (parts.length > allowed.parts) return `more than ${allowed.parts} parts`
    const deep = parts.find(({ depth }) => depth > allowed.depth)
    if (deep !== undefined) return `more than ${allowed.depth} levels`
  }
  return undefined
}
