/** The configuration is often root's, or the unit of systemd shows it read only: then these pages can show it and no more. */
import { Refusal } from '../../admin/refusal.ts'
import { isPosternError } from '../../mail/errors.ts'

const forbidding = new Set(['EACCES', 'EPERM', 'EROFS'])

/** @returns a Refusal that says why where this account may not write the configuration; otherwise the error as it is */
export function refusedWrite(error: unknown): unknown {
  const code = isPosternError(error, 'DISK_FAILED') ? codeOf(error.cause) : undefined
  if (code === undefined || !forbidding.has(code)) return error
  return new Refusal(
    'forbidden',
    `The gateway’s account may not write the configuration (${code}): change the file as its owner, or let the account write it (postern.service says how)`,
  )
}

function codeOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !('code' in cause)) return undefined
  return typeof cause.code === 'string' ? cause.code : undefined
}
