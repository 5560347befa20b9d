import type { Mistake } from '../plugin/mistake.ts'
import type { MessagePlace, Place } from '../filter/entry.ts'
import type { Places } from '../filter/places.ts'
import { stages } from '../mail/status.ts'
import { checkConfiguration } from './check-configuration.ts'

export interface ListedStage {
  readonly stage: string
  readonly entries: readonly { readonly name: string; readonly remarks: readonly string[] }[]
}

/** What is asked at each stage, in order; at `message`, what waits for what. */
export async function chainListing(
  folder: string,
): Promise<{ readonly mistakes: readonly Mistake[]; readonly stages: readonly ListedStage[] }> {
  const { mistakes, generation } = await checkConfiguration(folder)
  if (generation === undefined) return { mistakes, stages: [] }
  return { mistakes, stages: listStages(generation.places) }
}

function listStages(places: Places): readonly ListedStage[] {
  return stages.map((stage) => {
    const asked: readonly Place[] =
      stage === 'auth'
        ? [...places.auth, ...places.verify]
        : stage === 'rcpt'
          ? [...places.allowing, ...places.rcpt]
          : places[stage]
    return {
      stage,
      entries: asked.map((place) => ({
        name: place.entry.name,
        remarks: remarksOn(place, places),
      })),
    }
  })
}

function remarksOn(place: Place, { message }: Places): readonly string[] {
  const { entry, question } = place
  const waits = message.find((each) => each === place)
  return [
    `on fault ${entry.onFault}, ${entry.timeoutMs / 1000} s`,
    ...(entry.shadow ? ['shadow'] : []),
    ...(question === 'verify' ? ['verifies logins'] : []),
    ...(question === 'secretFor' ? ['knows secrets, for SCRAM-SHA-256'] : []),
    ...(question === 'checkResponse' ? ['checks responses, for CRAM-MD5'] : []),
    ...(question === 'checkApop' ? ['checks responses, for APOP'] : []),
    ...(question === 'rcpt' && entry.vouches ? ['vouches'] : []),
    ...(entry.condition === undefined ? [] : ['on a condition']),
    ...(waits === undefined ? [] : waitingFor(waits, message)),
  ]
}

function waitingFor({ after }: MessagePlace, message: readonly MessagePlace[]): readonly string[] {
  if (after.length === 0) return ['at once']
  return [`after ${after.flatMap((index) => message[index]?.entry.name ?? []).join(', ')}`]
}
