/** What the supervisor does for its callers: asks each worker over its own socket. */
import type { JsonValue } from '../mail/json.ts'
import { asJson, readQuarantineRequest } from './quarantine-requests.ts'
import { readRequestOf, writeAnswer } from './queue-requests.ts'
import { quarantineOfWorkers } from './steer-quarantine.ts'
import { steerWorkers } from './steer-queue.ts'

/** @throws TypeError for what is no request; PosternError what the workers throw */
export async function steerAll(
  folder: string,
  verb: 'queue' | 'quarantine',
  of: JsonValue,
): Promise<JsonValue> {
  return verb === 'queue'
    ? writeAnswer(await steerWorkers(folder, readRequestOf(of)))
    : asJson(await quarantineOfWorkers(folder, readQuarantineRequest(of)))
}
