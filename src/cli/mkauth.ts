import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import { legible } from '../formats/plain-line.ts'
import { becomeOwnerOf } from '../tools/privileges/as-account.ts'
import { authText, collectAuth, ownName, writeAuthCdb } from '../tools/make-auth.ts'

interface Options {
  readonly cdb?: string
  readonly shadow?: string | true
  readonly vpopmail?: string | true
  readonly me?: string
  readonly config?: string
}

/** `postern mkauth`: who may log in, as lines or as auth.cdb. */
export function mkauthCommand(): Command {
  return new Command('mkauth')
    .description('collect who may log in, with password hashes, as lines or as auth.cdb')
    .argument(
      '[text...]',
      'files of lines: user, blank, hash and variables; - is the standard input',
    )
    .option('-c, --cdb <file>', 'write auth.cdb, in place of what is there')
    .option('--shadow [file]', 'accounts of this host; /etc/shadow')
    .option('--vpopmail [home]', 'users of vpopmail; /home/vpopmail')
    .option('--me <name>', 'our own name, for user@name of each account; control/me')
    .addOption(new Option('--config <dir>', 'the folder with control/me').env('POSTERN_CONFIG'))
    .action(mkauth)
}

async function mkauth(texts: readonly string[], options: Options): Promise<void> {
  const { shadow, vpopmail } = sourcesOf(texts, options)
  const me = options.me ?? (options.config === undefined ? undefined : ownName(options.config))
  if (shadow !== undefined && me === undefined) {
    throw new Error('say who we are: --me NAME, or --config DIR with control/me in it')
  }
  const { entries, doubts } = await collectAuth({
    texts,
    input: process.stdin,
    me: me ?? '',
    ...(shadow === undefined ? {} : { shadow }),
    ...(vpopmail === undefined ? {} : { vpopmail }),
  })
  for (const doubt of doubts) process.stderr.write(`warning: ${legible(doubt)}\n`)
  if (options.cdb === undefined) process.stdout.write(authText(entries))
  else {
    becomeOwnerOf(resolve(options.cdb))
    await writeAuthCdb(options.cdb, entries)
  }
}

/** As the original: where nothing is said, the accounts of this host. */
function sourcesOf(
  texts: readonly string[],
  { shadow, vpopmail }: Options,
): { readonly shadow?: string | undefined; readonly vpopmail?: string | undefined } {
  const nothing = texts.length === 0 && shadow === undefined && vpopmail === undefined
  return {
    shadow: shadow === true || nothing ? '/etc/shadow' : shadow,
    vpopmail: vpopmail === true ? '/home/vpopmail' : vpopmail,
  }
}
