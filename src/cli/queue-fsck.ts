import { Command } from 'commander'
import { legible } from '../formats/plain-line.ts'
import { checkQueue, type SpoolCheck } from '../tools/read-spool.ts'
import { configOption } from './config-option.ts'
import { countOf } from './count.ts'
import { withProgress } from './progress.ts'

interface Options {
  readonly config: string
  readonly json?: true
}

/** `postern queue fsck`: reads every promised byte. Exit code 1 where something is damaged. */
export function fsckCommand(): Command {
  return new Command('fsck')
    .description('read the whole spool, checksums and all, and say what is wrong; changes nothing')
    .option('--json', 'one JSON object')
    .addOption(configOption())
    .action(fsck)
}

async function fsck({ config, json }: Options): Promise<void> {
  const check = await withProgress('reading', (told) => checkQueue(config, told))
  if (check.damage.length > 0) process.exitCode = 1
  const text = json === true ? JSON.stringify(check, undefined, 2) : report(check).join('\n')
  process.stdout.write(`${text}\n`)
}

function report(check: SpoolCheck): readonly string[] {
  const { messages, held, messageBytes, segments, segmentBytes, liveBytes } = check
  const { largeFiles, unneeded, incoming, damage, setAside } = check
  return [
    `messages   ${messages} queued, ${held} of them held, ${messageBytes} bytes`,
    `log        ${countOf(segments, 'segment')}, ${segmentBytes} bytes, ${liveBytes} of them needed`,
    `large      ${countOf(largeFiles, 'file')}, ${unneeded.length} of them named by no message`,
    ...unneeded.map((name) => `           ${legible(name)}`),
    `incoming/  ${countOf(incoming, 'message')} not taken in yet`,
    `damaged/   ${countOf(setAside, 'file')}${setAside === 0 ? '' : '; see postern queue damaged'}`,
    ...damage.map(({ path, position, reason, ids }) => {
      const which = ids.length === 0 ? '' : `${ids.join(' ')}: `
      return `damage     ${which}${legible(reason)}, ${legible(path)} at byte ${position}`
    }),
    damage.length === 0 ? 'everything is whole' : countOf(damage.length, 'damage'),
  ]
}
