/** What a program that stands for one of qmail's is started with, by a line of a .qmail file or by hand. */
import { latin1Bytes, utf8Octets } from '../../formats/octets.ts'
import type { Instant } from '../../mail/instant.ts'
import type { Foreground } from '../../runtime/foreground.ts'
import { handToProgram, type QueueProgram } from '../queue-program.ts'
import { fatal, type ToolEnd } from './tool-end.ts'

export interface Surroundings {
  readonly args: readonly string[]
  readonly environment: ReadonlyMap<string, string>
  /** Standard input, which can be read once. */
  readonly input: () => AsyncIterable<Uint8Array>
  readonly foreground: Foreground
  readonly queue: QueueProgram
  readonly now: () => Instant
  readonly pid: number
  readonly hostname: string
  /** Our own program. */
  readonly postern: string
}

/** @returns the variable as the bytes it is, one character each */
export function variable(
  { environment }: Pick<Surroundings, 'environment'>,
  name: string,
): string | undefined {
  const value = environment.get(name)
  return value === undefined ? undefined : utf8Octets(value)
}

export async function wholeInput({ input }: Pick<Surroundings, 'input'>): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(input()))
}

export interface MailOn {
  readonly sender: string
  readonly recipients: readonly string[]
  /** What comes on top. */
  readonly line: string
  readonly message: AsyncIterable<Uint8Array> | Uint8Array
}

/** @returns the number of the process that took it, or the end of `program` by which none did */
export async function mailOn(
  program: string,
  { queue }: Surroundings,
  mail: MailOn,
): Promise<{ readonly queued: string } | ToolEnd> {
  const { sender, recipients } = mail
  const { signal } = new AbortController()
  const handed = await handToProgram(
    queue,
    { envelope: { sender, recipients }, message: withLine(mail) },
    signal,
  )
  return 'queued' in handed ? handed : fatal(program, handed.permanent ? 100 : 111, handed.text)
}

async function* withLine({ line, message }: MailOn): AsyncIterable<Uint8Array> {
  yield latin1Bytes(line)
  if (message instanceof Uint8Array) yield message
  else yield* message
}
