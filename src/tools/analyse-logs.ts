import { Matchup } from '../formats/analog/matchup.ts'
import type { LogRecord } from '../formats/analog/records.ts'
import { Tallies } from '../formats/analog/tallies.ts'
import { Timeline } from '../formats/analog/timeline.ts'
import { logLines } from '../runtime/node/log-lines.ts'

export interface Analysis {
  readonly tallies: Tallies
  readonly timeline: Timeline
}

/**
 * Logs from their beginning to their end, in the given order, as one. Memory does not grow with their length.
 * @param paths files, folders as multilog keeps them, `-` for the standard input; any of them compressed
 * @param told how many lines have been read
 * @throws what the system says of a file that cannot be read
 */
export async function analyseLogs(
  paths: readonly string[],
  told: (lines: number) => void = () => undefined,
): Promise<Analysis> {
  const tallies = new Tallies()
  const timeline = new Timeline()
  const count = (record: LogRecord): void => {
    if (record.kind === 'delivery') {
      tallies.delivery(record)
      timeline.add(Number(record.end), record.result)
    } else if (record.kind === 'message') tallies.message(record)
  }
  await readRecords(paths, count, told)
  return { tallies, timeline }
}

/** What matchup makes of logs. @returns what is not matched yet, as lines for a later run */
export async function readRecords(
  paths: readonly string[],
  seen: (record: LogRecord) => void,
  told: (lines: number) => void = () => undefined,
): Promise<Iterable<string>> {
  const matchup = new Matchup()
  let read = 0
  for (const path of paths) {
    for await (const lines of logLines(path)) {
      read += lines.length
      told(read)
      for (const line of lines) {
        const record = line === '' ? undefined : matchup.line(line)
        if (record !== undefined) seen(record)
      }
    }
  }
  return matchup.pending()
}
