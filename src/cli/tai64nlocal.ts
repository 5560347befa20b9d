import { Command } from 'commander'
import { parseTai64n } from '../formats/tai64n.ts'
import { logLines } from '../runtime/node/log-lines.ts'

/** `postern tai64nlocal`: in the place of daemontools' program; times that people can read before each line. */
export function tai64nlocalCommand(): Command {
  return new Command('tai64nlocal')
    .description('TAI64N labels at the beginning of lines as local times')
    .argument(
      '[log...]',
      'files or folders, compressed or not; the standard input where none is named',
    )
    .action(async (paths: readonly string[]) => {
      for (const path of paths.length === 0 ? ['-'] : paths) {
        for await (const lines of logLines(path)) {
          process.stdout.write(lines.map((line) => `${withLocalTime(line)}\n`).join(''), 'latin1')
        }
      }
    })
}

function withLocalTime(line: string): string {
  const instant = line.startsWith('@') ? parseTai64n(line.slice(0, 25)) : undefined
  if (instant === undefined) return line
  const { epochMs, nanoseconds } = instant
  const at = new Date(epochMs)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  const fraction = at.getMilliseconds() * 1_000_000 + nanoseconds
  return `${day} ${time}.${String(fraction).padStart(9, '0')}${line.slice(25)}`
}
