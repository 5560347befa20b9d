/**
 * How root delivers: by a process that is the user's from its first instruction, as qmail-lspawn does. It can write what
 * the user can write; what it wants to be forwarded it says on descriptor 3.
 */
import { latin1Bytes, readable } from '../../formats/octets.ts'
import { PosternError } from '../../mail/errors.ts'
import type { UserDelivery } from '../../runtime/deliverer.ts'
import type { ProgramCall, Programs } from '../../runtime/programs.ts'
import type { LocalDelivery } from './local-delivery.ts'

/** Whose process it becomes. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

/** Where the process says what it forwards. */
export const forwardDescriptor = 3
/** `postern local` ends the program that the user's .qmail started, which may take two seconds, and then itself. */
export const programEndMs = 4000
export const mostForwardBytes = 4 << 20
export const mostReportBytes = 64 << 10

export interface AsUserParts {
  readonly programs: Programs
  /** `postern local`, as it is started. */
  readonly program: readonly [string, ...string[]]
}

/**
 * Delivers as the owner, who is never root, without any further group.
 * @throws PosternError PROGRAM_FAILED; ABORTED, after which neither the process nor what it started is left
 */
export async function deliverAsUser(
  { programs, program }: AsUserParts,
  { delivery, owner: { uid, gid } }: { readonly delivery: LocalDelivery; readonly owner: Owner },
  signal: AbortSignal,
): Promise<UserDelivery> {
  const refusal = neverAs({ uid, gid })
  if (refusal !== undefined) throw new PosternError('PROGRAM_FAILED', refusal)
  const { user, home, local, dash, extension, host, sender } = delivery.address
  const about = [user, home, local, dash, extension, host, sender, delivery.defaultDelivery]
  const { end, outputs } = await programs.run(
    {
      command: [
        ...program,
        ...(delivery.mostProcesses === undefined
          ? []
          : [mostProcessesOption(delivery.mostProcesses)]),
        '--',
        ...about.map((each) => readable(latin1Bytes(each))),
      ],
      environment: delivery.environment,
      as: { uid, gid },
      ...limitsOf(delivery),
      graceMs: programEndMs,
      inputs: new Map([[0, { file: delivery.message() }]]),
      outputs: new Map([
        [1, mostReportBytes],
        [2, mostReportBytes],
        [forwardDescriptor, mostForwardBytes],
      ]),
    },
    signal,
  )
  const of = (descriptor: number): Uint8Array => outputs.get(descriptor) ?? new Uint8Array()
  return { end, text: Buffer.concat([of(1), of(2)]), forward: of(forwardDescriptor) }
}

export type ProgramLimits = Pick<LocalDelivery, 'memoryBytes'>

/**
 * What its programs may hold is the limit of the process which starts them. How many processes their user may have is none
 * of it: whoever reads his mail with hundreds at a time still gets more.
 */
export function limitsOf({ memoryBytes }: ProgramLimits): Pick<ProgramCall, 'memoryBytes'> {
  return memoryBytes === undefined ? {} : { memoryBytes }
}

/** Of `postern local`. */
function mostProcessesOption(most: number): string {
  return `--most-processes=${most}`
}

/**
 * Nobody's mail is delivered with a right of root's, whoever says it should be: users/assign, the folder of alias.
 * @returns why it is not
 */
export function neverAs({ uid, gid }: Owner): string | undefined {
  if (uid === 0) return 'Not allowed to perform deliveries as root.'
  return gid === 0 ? 'Not allowed to perform deliveries with the group of root.' : undefined
}
