/**
 * What the deliverer does for a gateway that it does not trust: everything that says as whom and what, it reads for itself,
 * and only from files that nobody but root can write. The gateway brings an address and a message, or a login.
 */
import { join } from 'node:path'
import type { Configuration } from '../../config/configuration.ts'
import type { DelivererWork } from '../../delivery/deliverer/server.ts'
import { neverAs } from '../../delivery/local/as-user.ts'
import type { BecomeUserOptions } from '../../delivery/local/become-user.ts'
import { maildropAsUser } from '../../delivery/local/maildrop-as-user.ts'
import type { LocalDelivery } from '../../delivery/local/local-delivery.ts'
import type { UserDirectory } from '../../delivery/local/user-directory.ts'
import { lowerAscii, utf8Octets } from '../../formats/octets.ts'
import { errorMessage, isPosternError, PosternError } from '../../mail/errors.ts'
import { abortable } from '../../runtime/abortable.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { UserAddress, UserDelivery } from '../../runtime/deliverer.ts'
import type { Programs } from '../../runtime/programs.ts'
import { maildropProgram, programEnvironment } from '../local-program.ts'
import { mailboxOf } from '../login-mailbox.ts'
import { exposedProgram, loginPrograms, obeyedFiles, type Exposable } from './exposed-files.ts'
import { RecentLogins } from './recent-logins.ts'

/** What it takes of the configuration. */
export interface ObeyedConfiguration {
  readonly folder: string
  readonly control: Pick<Configuration['control'], 'defaultDelivery' | 'locals' | 'me'>
  readonly delivery: Pick<
    Configuration['delivery'],
    'alias' | 'localTimeoutMs' | 'localMemoryBytes' | 'localProcesses'
  >
  readonly chain: Exposable['chain']
}

export interface DelivererWorkParts {
  readonly clock: Clock
  readonly programs: Programs
  /** The configuration in force. */
  readonly current: () => ObeyedConfiguration
  readonly users: { readonly directory: UserDirectory | undefined }
  /** Of a file: the path at which somebody else than root may write it. */
  readonly writableByOthers: (path: string) => string | undefined
  /** Of a folder: the path at which somebody else than root may exchange it, whoever owns it. */
  readonly exchangeableByOthers: (path: string) => string | undefined
  /** Whether a message may still grow that lies in root's folder for temporary files. */
  readonly hasRoom: () => Promise<boolean>
  /** Delivers as the owner, who is not root, as `deliverAsUser` does. */
  readonly deliverAs: BecomeUserOptions['deliver']
  /** `postern pop3d`, likewise. */
  readonly maildropProgram?: readonly [string, ...string[]]
}

/** The gateway calls a delivery off itself; this is for one that does not. */
const beyondTimeoutMs = 60_000
const loginMs = 60_000
/** The gateway ends a session that is idle; this is for one that does not. */
const maildropMs = 6 * 3_600_000

/** By these an address is one of this host. */
const namesOfHost = ['control/me', 'control/locals']

/** Of a message, between two looks whether there is room for more. */
const roomBytes = 1 << 20

export function delivererWork(parts: DelivererWorkParts): DelivererWork {
  const { clock, programs, current, deliverAs } = parts
  const logins = new RecentLogins(clock)
  return {
    async deliver(to, message, signal) {
      assertRoots(parts)
      const found = await find(parts, to)
      const { user, uid, gid, home, dash, extension } = found
      const refusal = neverAs({ uid, gid })
      if (refusal !== undefined) throw refused(refusal)
      const { folder, control, delivery: settings } = current()
      if (home === settings.alias) assertStays(parts, home)
      const { local, host, sender } = to
      const about: Omit<LocalDelivery, 'message'> = {
        address: { user, home, local, dash, extension, host, sender },
        defaultDelivery: control.defaultDelivery,
        environment: programEnvironment(folder),
        memoryBytes: settings.localMemoryBytes,
        mostProcesses: settings.localProcesses,
      }
      return within(
        clock,
        { ms: settings.localTimeoutMs + beyondTimeoutMs, signal },
        async (bounded) => {
          const delivery = { ...about, message: () => until(bounded, message, parts) }
          return deliverAs(delivery, { uid, gid }, bounded)
        },
      )
    },
    async checkpassword({ command, environment, input }, signal) {
      assertRoots(parts)
      assertLoginProgram(parts, command)
      const call = {
        command,
        environment: new Map([...environment, ['PATH', '/usr/local/bin:/usr/bin:/bin']]),
        inputs: new Map([[3, input]]),
      }
      return within(clock, { ms: loginMs, signal }, async (bounded): Promise<UserDelivery> => {
        const { end } = await programs.run(call, bounded)
        if ('exit' in end && end.exit === 0) logins.note(input)
        return { end, text: nothing, forward: nothing }
      })
    },
    async maildrop({ user }, ends, signal) {
      assertRoots(parts, namesOfHost)
      if (!logins.take(user)) {
        throw refused('no checkpassword program has just taken a login of this user')
      }
      const { folder, control } = current()
      const local = localPartOf(user, control)
      if (local === undefined) throw refused('there is no such user of this host')
      const owner = await find(parts, { local })
      // Of somebody's address a part, or alias for everybody else: the mail in that home is not this login's.
      if (owner.dash !== '' || owner.extension !== '') throw refused('this is no user of this host')
      const about = { owner, environment: programEnvironment(folder), ends }
      const { maildropProgram: serves = maildropProgram } = parts
      return within(clock, { ms: maildropMs, signal }, (bounded) =>
        maildropAsUser({ programs, program: serves }, about, bounded),
      )
    },
  }
}

const nothing = new Uint8Array()

/** @throws PosternError PROGRAM_FAILED */
function assertRoots(
  { current, writableByOthers }: DelivererWorkParts,
  more: readonly string[] = [],
): void {
  const { folder } = current()
  for (const file of [...obeyedFiles, ...more]) {
    const path = writableByOthers(join(folder, file))
    if (path === undefined) continue
    throw refused(
      `others than root may write ${path}: chown root and chmod go-w, then it is obeyed`,
    )
  }
}

/**
 * The owner of the folder is whose process it becomes, so that whoever could put another in its place would choose him.
 * @throws PosternError PROGRAM_FAILED
 */
function assertStays({ exchangeableByOthers }: DelivererWorkParts, alias: string): void {
  const path = exchangeableByOthers(alias)
  if (path === undefined) return
  throw refused(`others than root may write ${path}, and who owns ${alias} says whose mail it is`)
}

/** As the router finds it, and of no other's saying. @throws PosternError PROGRAM_FAILED */
async function find(
  { users }: DelivererWorkParts,
  { local }: Pick<UserAddress, 'local'>,
): Promise<NonNullable<Awaited<ReturnType<UserDirectory['find']>>>> {
  const { directory } = users
  if (directory === undefined) throw refused('delivery.local is not users')
  try {
    const found = await directory.find(local)
    if (found !== undefined) return found
  } catch (error) {
    if (isPosternError(error)) throw error
    // A users/cdb that is damaged.
    throw refused(errorMessage(error))
  }
  throw refused('there is no such user of this host')
}

/** @returns undefined for somebody of another domain, virtual ones included: who that is the gateway alone would know */
function localPartOf(
  user: string,
  { me, locals }: Pick<ObeyedConfiguration['control'], 'me' | 'locals'>,
): string | undefined {
  const mailbox = mailboxOf(user)
  if (mailbox === undefined) return undefined
  const domain = lowerAscii(mailbox.domain)
  const isOurs = domain === '' || domain === lowerAscii(me) || locals.has(domain)
  return isOurs ? utf8Octets(mailbox.localPart) : undefined
}

/** One of the chain, word for word, that nobody but root may change. @throws PosternError PROGRAM_FAILED */
function assertLoginProgram(
  { current, writableByOthers }: DelivererWorkParts,
  command: readonly [string, ...string[]],
): void {
  const asked = JSON.stringify(command)
  if (!loginPrograms(current().chain).some((words) => JSON.stringify(words) === asked)) {
    throw refused('no entry of the chain names this checkpassword program')
  }
  // What is looked for along a path may be found where others write.
  if (!command[0].startsWith('/')) throw refused(`${command[0]} is no path: write where it lies`)
  const exposed = exposedProgram(command, writableByOthers)
  if (exposed === undefined) return
  const { file, at } = exposed
  throw refused(
    `others than root may write ${at}, and root would run ${file}: chown root ${at} and chmod go-w ${at}`,
  )
}

/** The message as long as there is time and room: a gateway that never comes to its end must not keep us, or fill the disk. */
async function* until(
  signal: AbortSignal,
  message: AsyncIterable<Uint8Array>,
  { hasRoom }: Pick<DelivererWorkParts, 'hasRoom'>,
): AsyncGenerator<Uint8Array> {
  const reading = message[Symbol.asyncIterator]()
  let unseen = roomBytes
  for (;;) {
    const next = await abortable(reading.next(), signal, 'a message')
    if (next.done === true) return
    unseen += next.value.length
    if (unseen >= roomBytes) {
      if (!(await hasRoom())) throw refused('the disk with the temporary files is nearly full')
      unseen = 0
    }
    yield next.value
  }
}

async function within<T>(
  clock: Clock,
  { ms, signal }: { readonly ms: number; readonly signal: AbortSignal },
  work: (bounded: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const abort = (): void => controller.abort()
  const timer = clock.after(ms, abort)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    return await work(controller.signal)
  } finally {
    timer.cancel()
    signal.removeEventListener('abort', abort)
  }
}

function refused(why: string): PosternError {
  return new PosternError('PROGRAM_FAILED', `the deliverer refuses: ${why}`)
}
