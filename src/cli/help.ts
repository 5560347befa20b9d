import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { legible } from '../formats/plain-line.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { didYouMean } from '../tools/did-you-mean.ts'

/** In the order in which somebody new reads them. */
export const topics = [
  'getting-started',
  'policy',
  'plugins',
  'queue',
  'quarantine',
  'replies',
  'migration',
  'files',
  'exit-codes',
  'json',
] as const

/** The commands that there are, and how to come by one. */
export interface KnownCommands {
  readonly names: Iterable<string>
  readonly load: (name: string) => Promise<Command | undefined>
}

/** `postern help TOPIC`, or `postern help COMMAND`. */
export function helpCommand({ names, load }: KnownCommands): Command {
  return new Command('help')
    .description('about a command, or about a topic')
    .argument('[name]', 'a command, or one of the topics below')
    .action(async (name: string | undefined, _, self: Command) => {
      if (name === undefined) return self.parent?.outputHelp()
      const topic = topics.find((each) => each === name)
      if (topic !== undefined) return void process.stdout.write(await topicText(topic))
      const command = await load(name)
      if (command !== undefined) return command.outputHelp()
      const remedy = didYouMean(name, [...topics, ...names]) ?? topicsLine
      process.stderr.write(`${legible(name)} is no command and no topic; ${remedy}\n`)
      process.exitCode = 2
    })
}

export const topicsLine = `topics: ${topics.join(', ')}`

export async function topicText(topic: (typeof topics)[number]): Promise<string> {
  const path = fileURLToPath(new URL(`./help/${topic}.txt`, import.meta.url))
  return new TextDecoder().decode(await systemDisk.readFile(path))
}
