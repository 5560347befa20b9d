import { errorCodes, isPosternError, PosternError } from '../../mail/errors.ts'
import type { JobError } from './job-protocol.ts'

/** @param error anything that was thrown */
export function errorAcross(error: unknown): JobError {
  const message = error instanceof Error ? error.message : String(error)
  if (!isPosternError(error)) return { message }
  const { code } = error
  // What the code says by itself is not said twice on the other side.
  const prefix = `${errorCodes[code]}: `
  return { message: message.startsWith(prefix) ? message.slice(prefix.length) : '', code }
}

export function errorFrom({ message, code }: JobError): Error {
  if (code === undefined) return new Error(message)
  return new PosternError(code, message === '' ? undefined : message)
}
