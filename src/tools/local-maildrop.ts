/** Fetching the mail of a user of this host where we are root ourselves: by a process of the user's. */
import type { Assignment } from '../formats/assign.ts'
import { maildropAsUser, type MaildropEnds } from '../delivery/local/maildrop-as-user.ts'
import { isPosternError, PosternError } from '../mail/errors.ts'
import { ByteQueue } from '../runtime/byte-queue.ts'
import type { MaildropTalk } from '../runtime/deliverer.ts'
import type { ProgramEnd, Programs } from '../runtime/programs.ts'
import { maildropProgram, programEnvironment } from './local-program.ts'

export interface LocalMaildropParts {
  readonly programs: Pick<Programs, 'run'>
  /** Of the configuration. */
  readonly folder: string
}

export function localMaildrop(
  { programs, folder }: LocalMaildropParts,
  owner: Pick<Assignment, 'uid' | 'gid' | 'home'>,
  signal: AbortSignal,
): MaildropTalk {
  const parts = { programs, program: maildropProgram }
  const environment = programEnvironment(folder)
  return talkWith((ends) => maildropAsUser(parts, { owner, environment, ends }, signal), signal)
}

function talkWith(
  serve: (ends: MaildropEnds) => Promise<ProgramEnd>,
  signal: AbortSignal,
): MaildropTalk {
  let hasRoom = (): void => undefined
  let taken = (): void => undefined
  const said = new ByteQueue({ full: () => undefined, room: () => hasRoom() })
  const answers = new ByteQueue({ full: () => undefined, room: () => taken() })
  signal.addEventListener('abort', () => taken(), { once: true })
  const output = async (chunk: Uint8Array): Promise<void> => {
    answers.add(chunk)
    if (!answers.isFull || signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    taken = resolve
    await promise
  }
  void serve({ input: said, output }).then(
    () => answers.end(),
    (error: unknown) =>
      answers.fail(
        isPosternError(error) ? error : new PosternError('PROGRAM_FAILED', String(error)),
      ),
  )
  return {
    answers,
    write(bytes) {
      said.add(bytes)
      return !said.isFull
    },
    onRoom: (callback) => void (hasRoom = callback),
    end: () => said.end(),
  }
}
