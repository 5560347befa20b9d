import { styleText } from 'node:util'
import { Command } from 'commander'
import { legible } from '../formats/plain-line.ts'
import { examine, type Examination } from '../tools/doctor/doctor.ts'
import { configOption } from './config-option.ts'
import { countOf } from './count.ts'
import { writeJson } from './json.ts'

/** `postern doctor`: whether all is well with an installation, and what to type where it is not. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('examine the installation; exit code 1 where something must be mended')
    .addOption(configOption())
    .option('--json', 'as JSON')
    .action(async ({ config, json }: { config: string; json?: true }) => {
      const found = await examine(config, process.versions.node)
      const ill = found.filter(({ state }) => state === 'problem').length
      if (ill > 0) process.exitCode = 1
      if (json === true) return writeJson({ ok: ill === 0, examinations: found })
      process.stdout.write(found.map(line).join(''))
      const end = ill === 0 ? 'Nothing must be mended.' : `${countOf(ill, 'thing')} must be mended.`
      process.stdout.write(`${end}\n`)
    })
}

const marks = { well: ['ok', 'green'], warning: ['!', 'yellow'], problem: ['!!', 'red'] } as const

function line({ about, state, says, remedy }: Examination): string {
  const [mark, colour] = marks[state]
  const shown = process.stdout.isTTY ? styleText(colour, mark.padEnd(3)) : mark.padEnd(3)
  const advice = remedy === undefined ? '' : `    try: ${legible(remedy)}\n`
  return `${shown} ${about.padEnd(14)} ${legible(says)}\n${advice}`
}
