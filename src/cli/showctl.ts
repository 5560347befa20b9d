import { Command } from 'commander'
import { legible } from '../formats/plain-line.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { staleWords } from '../tools/compiled-files.ts'
import { readOffline } from '../tools/read-offline.ts'
import { showControl, type ShownControl, type ShownControlFile } from '../tools/show-control.ts'
import { configOption } from './config-option.ts'
import { writeJson } from './json.ts'

interface Options {
  readonly config: string
  readonly there?: true
  readonly json?: true
}

/** `postern showctl`: what qmail-showctl says, of every control file that is known, and who reads it. */
export function showctlCommand(): Command {
  return new Command('showctl')
    .description('show every control file: its value or default, and who reads it')
    .argument('[names...]', 'only these')
    .addOption(configOption())
    .option('--there', 'only those that are there')
    .option('--json', 'as JSON')
    .action(async (names: readonly string[], { config, there, json }: Options) => {
      const control = await showControl(readOffline(config), systemDisk)
      const files = control.files.filter(
        (file) =>
          (names.length === 0 || names.includes(file.name)) && (there !== true || file.there),
      )
      if (names.length > 0 && files.length === 0) {
        process.stderr.write(`${legible(names.join(', '))}: no control file of qmail or Postern\n`)
        process.exitCode = 1
        return
      }
      const shown = { ...control, files }
      if (json === true) return writeJson(shown)
      process.stdout.write(format(shown, names.length > 0))
    })
}

function format({ folder, files, unknown, stale }: ShownControl, chosen: boolean): string {
  const shown = new Set(files.map(({ name }) => `${folder}/${name}`))
  const blocks = [
    `control folder: ${folder}`,
    ...files.map(block),
    ...(chosen ? [] : unknown).map(
      (name) => `${legible(name)}: I have no idea what this file does.`,
    ),
    ...stale
      .filter(({ text, cdb }) => !chosen || shown.has(text) || shown.has(cdb))
      .map(({ cdb, why }) => `Oops! ${legible(cdb)} ${staleWords[why]}. Run postern cdb.`),
  ]
  return `${blocks.join('\n\n')}\n`
}

function block(file: ShownControlFile): string {
  const { name, meaning, qmail, postern, unread } = file
  const reader = postern === undefined ? '' : `; Postern: ${postern}`
  return [
    `${name}: ${valueOf(file)}`,
    `  ${meaning}. ${qmail}${reader}`,
    ...(unread === undefined ? [] : [`  not honoured: ${unread}`]),
  ].join('\n')
}

function valueOf({ there, value, sizeBytes, problem, kind }: ShownControlFile): string {
  if (problem !== undefined) return `cannot be read: ${legible(problem)}`
  if (sizeBytes !== undefined) return `${sizeBytes} bytes`
  const lines = value.map((line) => legible(line))
  if (!there) return lines.length === 0 ? '(Default.) Nothing.' : `(Default.) ${lines.join(', ')}`
  if (kind === 'line' || kind === 'integer') return lines.join('')
  return lines.length === 0 ? 'empty' : `\n${lines.map((line) => `    ${line}`).join('\n')}`
}
