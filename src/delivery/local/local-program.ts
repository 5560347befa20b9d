import { isPosternError } from '../../mail/errors.ts'
import { latin1Bytes, readable } from '../../formats/octets.ts'
import type { ProgramEnd, Programs } from '../../runtime/programs.ts'
import { hard, reasonOf, soft, type Trouble } from './trouble.ts'

export interface LocalProgram {
  /** As it stands in the .qmail file: the owner's own line, for `/bin/sh -c`. */
  readonly command: string
  readonly home: string
  readonly environment: ReadonlyMap<string, string>
  readonly message: AsyncIterable<Uint8Array>
  readonly memoryBytes?: number | undefined
  readonly mostProcesses?: number | undefined
}

/** What it wrote, as far as anybody will read it. */
export interface ProgramReport {
  readonly out: Uint8Array
  readonly err: Uint8Array
}

/** `done`: the next line. `last`: nothing after it (exit code 99). */
export type ProgramOutcome = 'done' | 'last' | Trouble

export interface Hearing {
  readonly say: (report: ProgramReport) => void
  readonly signal: AbortSignal
}

/** As long as `notify &` holds its outputs, qmail waits for it, and ends nothing; here that is half a minute. */
const lingerMs = 30_000
/** Of either stream. */
const mostReport = 64 << 10
const permanent: ReadonlySet<number> = new Set([100, 64, 65, 70, 76, 77, 78, 112])

export async function runLocalProgram(
  programs: Programs,
  { command, home, environment, message, memoryBytes, mostProcesses }: LocalProgram,
  { say, signal }: Hearing,
): Promise<ProgramOutcome> {
  try {
    const { end, outputs } = await programs.run(
      {
        command: ['/bin/sh', '-c', asText(command)],
        environment: new Map([...environment].map(([name, value]) => [name, asText(value)])),
        folder: asText(home),
        lingerMs,
        ...(memoryBytes === undefined ? {} : { memoryBytes }),
        ...(mostProcesses === undefined ? {} : { mostProcesses }),
        inputs: new Map([[0, { file: message }]]),
        outputs: new Map([
          [1, mostReport],
          [2, mostReport],
        ]),
      },
      signal,
    )
    say({ out: outputs.get(1) ?? nothing, err: outputs.get(2) ?? nothing })
    return outcomeOf(end)
  } catch (error) {
    if (isPosternError(error, 'ABORTED')) return soft('The program took too long. (#4.3.0)')
    return soft(`Unable to run the program: ${reasonOf(error)}. (#4.3.0)`)
  }
}

const nothing = new Uint8Array()

function outcomeOf(end: ProgramEnd): ProgramOutcome {
  if ('signal' in end) return soft('Aack, child crashed. (#4.3.0)')
  if (end.exit === 0) return 'done'
  if (end.exit === 99) return 'last'
  return permanent.has(end.exit) ? hard('') : soft('')
}

/** Programs get UTF-8. */
function asText(text: string): string {
  return readable(latin1Bytes(text))
}
