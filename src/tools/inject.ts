/** One call of qmail-inject, for `postern inject` and `postern sendmail`. */
import { inject } from '../formats/inject/inject.ts'
import type { InjectOptions } from '../formats/inject/inject-options.ts'
import { controlList } from '../formats/control.ts'
import type { ControlSettings } from '../formats/control-settings.ts'
import { latin1, latin1Bytes, lowerAscii, utf8Octets } from '../formats/octets.ts'
import { quoteAddress } from '../formats/qmail-address.ts'
import { isPosternError } from '../mail/errors.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { handToProgram, type QueueProgram } from './queue-program.ts'

export interface InjectCall {
  readonly options: InjectOptions
  readonly message: Uint8Array
  /** What control files say, where the environment does not. */
  readonly control: Pick<ControlSettings, 'defaultHost' | 'defaultDomain' | 'plusDomain' | 'idHost'>
  readonly queue: QueueProgram
  readonly pid: number
}

export interface InjectAnswer {
  readonly exit: 0 | 100 | 111
  readonly out: Uint8Array
  readonly err: Uint8Array
}

/** Never throws for what somebody wrote. */
export async function injectAsCalled(call: InjectCall): Promise<InjectAnswer> {
  const { options, control, queue, pid } = call
  const variables = new Map(
    [...queue.environment].map(([name, value]) => [name, utf8Octets(value)]),
  )
  const lists = listsIn(queue.environment.get('QMAILMFTFILE'))
  if (lists === undefined) return fatal(111, 'read error\n')
  const injection = inject(latin1(call.message), {
    recipientsFrom: options.recipientsFrom,
    recipients: options.recipients.map(utf8Octets),
    ...(options.sender === undefined ? {} : { sender: utf8Octets(options.sender) }),
    variables,
    defaultHost: variables.get('QMAILDEFAULTHOST') ?? control.defaultHost,
    defaultDomain: variables.get('QMAILDEFAULTDOMAIN') ?? control.defaultDomain,
    plusDomain: variables.get('QMAILPLUSDOMAIN') ?? control.plusDomain,
    idHost: variables.get('QMAILIDHOST') ?? control.idHost,
    lists,
    now: systemClock.now(),
    pid,
  })
  if (!injection.ok) return fatal(100, injection.problem)
  const { message, sender, recipients } = injection
  if (options.dryRun) {
    const returnPath = `Return-Path: <${quoteAddress(sender)}>\n`
    return { exit: 0, out: latin1Bytes(returnPath + message), err: nothing }
  }
  const { signal } = new AbortController()
  const mail = { envelope: { sender, recipients }, message: latin1Bytes(message) }
  const handed = await handToProgram(queue, mail, signal)
  if ('queued' in handed) return { exit: 0, out: nothing, err: nothing }
  return fatal(handed.permanent ? 100 : 111, `${handed.text}\n`)
}

const nothing = new Uint8Array()

function fatal(exit: 100 | 111, text: string): InjectAnswer {
  return { exit, out: nothing, err: latin1Bytes(`qmail-inject: fatal: ${text}`) }
}

/** A file that there is not names no lists. @returns undefined for one that can not be read */
function listsIn(path: string | undefined): ReadonlySet<string> | undefined {
  if (path === undefined) return new Set()
  try {
    return new Set(controlList(systemDisk.readFileNow(path)).map(({ text }) => lowerAscii(text)))
  } catch (error) {
    return isPosternError(error, 'NOT_FOUND') ? new Set() : undefined
  }
}
