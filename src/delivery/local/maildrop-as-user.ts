/** How root lets people of this host fetch their mail: by `postern pop3d`, a process of theirs, as checkpassword starts qmail-pop3d. */
import { latin1Bytes, readable } from '../../formats/octets.ts'
import { PosternError } from '../../mail/errors.ts'
import type { ProgramEnd, Programs } from '../../runtime/programs.ts'
import { neverAs, type AsUserParts, type Owner } from './as-user.ts'

export interface MaildropOwner extends Owner {
  readonly home: string
}

/** What the client says, and where what it is told goes. */
export interface MaildropEnds {
  readonly input: AsyncIterable<Uint8Array>
  /** Resolves when there is room for more. */
  readonly output: (chunk: Uint8Array) => void | Promise<void>
}

/**
 * Serves the Maildir in the owner's home until the client or the signal ends it.
 * @throws PosternError PROGRAM_FAILED; ABORTED, after which no process of it is left
 */
export async function maildropAsUser(
  {
    programs,
    program,
  }: Pick<AsUserParts, 'program'> & { readonly programs: Pick<Programs, 'run'> },
  {
    owner: { uid, gid, home },
    environment,
    ends: { input, output },
  }: {
    readonly owner: MaildropOwner
    readonly environment: ReadonlyMap<string, string>
    readonly ends: MaildropEnds
  },
  signal: AbortSignal,
): Promise<ProgramEnd> {
  const refusal = neverAs({ uid, gid })
  if (refusal !== undefined) throw new PosternError('PROGRAM_FAILED', refusal)
  const { end } = await programs.run(
    {
      command: [...program, '--', readable(latin1Bytes(`${home}/Maildir`))],
      environment,
      as: { uid, gid },
      inputs: new Map([[0, input]]),
      streams: new Map([[1, output]]),
    },
    signal,
  )
  return end
}
