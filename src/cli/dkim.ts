import { Command, Option } from 'commander'
import { relative, resolve } from 'node:path'
import { systemDisk } from '../runtime/node/disk.ts'
import { becomeOwnerOf } from '../tools/privileges/as-account.ts'
import { keyTypes, makeDkimKey, zoneLine, type KeyType } from '../tools/dkim-key.ts'
import { configOption } from './config-option.ts'
import { jsonOption, writeJson, type JsonOptions } from './json.ts'

interface Options extends JsonOptions {
  readonly config: string
  readonly selector?: string
  readonly type: KeyType
}

/** `postern dkim new DOMAIN`: a key for the plugin `dkim-sign`, and the DNS record that publishes it. */
export function dkimCommand(): Command {
  return new Command('dkim').description('keys for DKIM signatures').addCommand(
    new Command('new')
      .description('make a key, and print the DNS record that publishes it')
      .argument('<domain>', 'the domain in From')
      .option('-s, --selector <name>', 'default for RSA, ed25519 for Ed25519')
      .addOption(
        new Option('-t, --type <type>', 'of the key').choices([...keyTypes]).default('rsa'),
      )
      .addOption(jsonOption())
      .addOption(configOption())
      .action(makeKey),
  )
}

async function makeKey(domain: string, { selector, json, ...options }: Options): Promise<void> {
  const chosen = selector === undefined ? {} : { selector }
  becomeOwnerOf(resolve(options.config, 'dkim', domain, 'key'))
  const made = await makeDkimKey(systemDisk, { ...options, ...chosen, domain })
  if (json === true) return writeJson({ domain, ...made, zoneLine: zoneLine(made) })
  process.stderr.write(`The private key is in ${relative(process.cwd(), made.path)}\n`)
  process.stderr.write('Publish this; when it is there, dkim-sign in the chain signs by it:\n')
  process.stdout.write(`${zoneLine(made)}\n`)
  if (selector !== undefined && selector !== 'default' && selector !== 'ed25519') {
    process.stderr.write(`For this selector dkim-sign needs keys: [dkim/%/${selector}]\n`)
  }
}
