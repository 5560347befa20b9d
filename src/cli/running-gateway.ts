/** What the commands share that speak to the running gateway: exit codes as init scripts have them (LSB), and no gateway. */
import type { JsonValue } from '../mail/json.ts'
import { askSupervisor } from '../tools/ask-supervisor.ts'
import type { SupervisorAnswers, SupervisorVerb } from '../tools/supervisor-requests.ts'

/** LSB 8.1: `status` of a program that is not running. */
export const exitNotRunning = 3
/** LSB 8.1: the user may not do that. */
export const exitForbidden = 4
/** LSB 8.1: what is asked needs a running program. */
const exitNeedsRunning = 7

export interface GatewayCommandOptions {
  readonly config: string
  readonly json?: true
}

/**
 * Asks, and says where there is nobody to answer.
 * @param otherwise the exit code where no gateway runs
 * @throws PosternError NOT_ALLOWED and others, which `main.ts` tells
 */
export async function askRunning<V extends SupervisorVerb>(
  { config }: GatewayCommandOptions,
  verb: V,
  { of = null, otherwise = exitNeedsRunning }: { of?: JsonValue; otherwise?: number } = {},
): Promise<SupervisorAnswers[V] | undefined> {
  const answer = await askSupervisor(config, verb, of)
  if (answer !== undefined) return answer
  noneRuns(config, otherwise)
  return undefined
}

/** Says that there is nobody to answer. */
export function noneRuns(config: string, exitCode = exitNeedsRunning): void {
  process.stderr.write(`postern: no gateway runs with ${config}; postern start starts one\n`)
  process.exitCode = exitCode
}
