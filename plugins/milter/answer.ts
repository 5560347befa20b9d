/** What a milter says to a step, in the words of this house. */
import type { PermanentStatus, TransientStatus } from 'postern/plugin'
import { textsIn, type Packet } from './packet.ts'

export type Answer =
  | { readonly answer: 'continue' }
  /** No more of this session, or of this message. */
  | { readonly answer: 'accept' }
  | { readonly answer: 'discard' }
  /** Enough of the body was seen. */
  | { readonly answer: 'skip' }
  | {
      readonly answer: 'reject'
      readonly status: PermanentStatus
      readonly text: string
      readonly close: boolean
    }
  | {
      readonly answer: 'defer'
      readonly status: TransientStatus
      readonly text: string
      readonly close: boolean
    }

export type Objection = Extract<Answer, { readonly answer: 'reject' | 'defer' }>

/** @returns undefined for a letter that ends no step */
export function answerOf({ letter, data }: Packet): Answer | undefined {
  switch (letter) {
    case 'c':
      return { answer: 'continue' }
    case 'a':
      return { answer: 'accept' }
    case 'd':
      return { answer: 'discard' }
    case 's':
      return { answer: 'skip' }
    case 'r':
      return { answer: 'reject', status: '5.7.1', text: 'Refused by local policy', close: false }
    case 't':
    case 'f':
      return { answer: 'defer', status: '4.7.1', text: 'Try again later', close: false }
    case '4':
      return { answer: 'defer', status: '4.3.2', text: 'Closing the connection', close: true }
    case 'y':
      return replyOf(textsIn(data)[0] ?? '')
    default:
      return undefined
  }
}

/**
 * `550 5.7.1 Text`, also of several lines; what the milter says of the code itself follows from the stage. Sendmail takes it
 * for a format, so milters double each `%`.
 */
export function replyOf(text: string): Objection | undefined {
  const lines = text.slice(0, 2000).split(/\r?\n/).slice(0, 20)
  const parts = lines.map((line) =>
    /^([45]\d\d)[ -]?(?:([45]\.\d{1,3}\.\d{1,3}) ?)?(.*)$/.exec(line),
  )
  const [, code, status = ''] = parts[0] ?? []
  if (code === undefined) return undefined
  const words = parts
    .map((part) => part?.[3] ?? '')
    .join(' ')
    .replace(/%(%?)/g, '$1')
    .replace(/[^\x20-\x7e]/g, '?')
    .trim()
    .slice(0, 400)
  const close = code === '421'
  if (code.startsWith('5')) {
    const text5 = words === '' ? 'Refused by local policy' : words
    return { answer: 'reject', status: isPermanent(status) ? status : '5.7.1', text: text5, close }
  }
  const text4 = words === '' ? 'Try again later' : words
  return { answer: 'defer', status: isTransient(status) ? status : '4.7.1', text: text4, close }
}

function isPermanent(status: string): status is PermanentStatus {
  return status.startsWith('5.')
}

function isTransient(status: string): status is TransientStatus {
  return status.startsWith('4.')
}
