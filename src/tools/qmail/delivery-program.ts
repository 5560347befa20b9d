/** A command that a list of recipients names, run as the owner's own line of a .qmail file is: by /bin/sh. */
import { latin1Bytes } from '../../formats/octets.ts'
import { chunksOf } from './chunks.ts'
import { asArgument, unableToRun } from './conditions.ts'
import { variable, type Surroundings } from './surroundings.ts'
import { fatal, type ToolEnd } from './tool-end.ts'

export interface DeliveryProgram {
  /** One character for each byte. */
  readonly command: string
  readonly message: Uint8Array
  /** Whether the lines of a delivery come on top. */
  readonly withLines: boolean
}

const permanent: ReadonlySet<number> = new Set([100, 64, 65, 70, 76, 77, 78, 112])

/** @returns `undefined`: it is done, and what follows may be */
export async function runDeliveryProgram(
  name: string,
  { command, message, withLines }: DeliveryProgram,
  call: Surroundings,
): Promise<ToolEnd | undefined> {
  const lines = ['UFLINE', 'RPLINE', 'DTLINE'].map((each) => variable(call, each) ?? '')
  const top = latin1Bytes(withLines ? lines.join('') : '')
  const shell = ['/bin/sh', '-c', asArgument(command)] as const
  const end = await call.foreground.run(shell, { file: chunksOf(top, message) })
  if ('errno' in end) return fatal(name, 111, unableToRun(shell[0], end.errno))
  if ('signal' in end) return fatal(name, 111, 'child crashed')
  if (end.exit === 0) return undefined
  return { exit: permanent.has(end.exit) ? 100 : 111, out: '', err: '' }
}
