/**
 * Aims in µs and ms of CPU time were set on one machine. What the do-nothing sink in Node costs is known for that one and
 * measured for this one, in the same run: the quotient tells what a figure found here would be there.
 */
import { runLoad, type Generator, type Load } from './load.ts'
import type { RunningSystem } from './started-program.ts'
import { bareSink } from './systems.ts'

/** There, for a message of 4 KB, many messages per connection, 50 sessions. */
const sinkMicrosThere = 26

export interface Pace {
  /** How many times the CPU time of that machine this one needs. */
  readonly slowness: number
  /** A line to print. */
  readonly words: string
}

/** @param sinkMicros what the do-nothing sink costs here for such a message */
export function paceOf(sinkMicros: number): Pace {
  const slowness = sinkMicros / sinkMicrosThere
  const words =
    `pace: the do-nothing sink in Node costs ${Math.round(sinkMicros)} µs a message here, ${sinkMicrosThere} where the aim ` +
    `was set; “there” is what was found, divided by ${slowness.toFixed(1)}`
  return { slowness, words }
}

/** One figure, after a warm-up. For who measures the sink together with others, `paceOf` is enough. */
export async function measuredPace(generator: Generator, messages: number): Promise<Pace> {
  const load: Load = { name: 'pace', sessions: 50, sizeBytes: 4096, messages, keep: true }
  const sink: RunningSystem = await bareSink()
  try {
    await runLoad(generator, sink.port, load)
    const before = sink.cpuSeconds()
    await runLoad(generator, sink.port, load)
    return paceOf(((sink.cpuSeconds() - before) * 1e6) / messages)
  } finally {
    await sink.stop()
  }
}
