import { Command } from 'commander'
import { readDescriptor } from '../runtime/node/descriptor.ts'
import { checkRules, compileRules, type ProgramEnd } from '../tools/tcprules.ts'

/** `postern tcprules RULES.CDB RULES.TMP < RULES`: compiles rules as tcprules does, in its words and exit codes. */
export function tcprulesCommand(): Command {
  return new Command('tcprules')
    .description('compile rules into a cdb, as tcprules does')
    .argument('[cdb]', 'the file that is made')
    .argument('[tmp]', 'where it is written first, on the same file system')
    .option('-6, --networks', 'also [2001:db8::1], [2001:db8::]/32 and 192.0.2.0/25')
    .allowExcessArguments()
    .action(async (cdb: string | undefined, tmp: string | undefined, options: Options) => {
      leave(
        await compileRules({
          cdb,
          temporary: tmp,
          extended: options.networks === true,
          input: readDescriptor(0),
        }),
      )
    })
}

interface Options {
  readonly networks?: true
}

/** `postern tcprulescheck RULES.CDB`: what the rules say of TCPREMOTEIP, TCPREMOTEHOST and TCPREMOTEINFO. */
export function tcprulescheckCommand(): Command {
  return new Command('tcprulescheck')
    .description('show what compiled rules say of a client, as tcprulescheck does')
    .argument('[cdb]', 'the file that tcprules made')
    .allowExcessArguments()
    .action(async (cdb: string | undefined) => {
      const { TCPREMOTEIP: ip, TCPREMOTEHOST: host, TCPREMOTEINFO: info } = process.env
      leave(await checkRules(cdb, { ip: ip ?? '0.0.0.0', host, info }))
    })
}

function leave({ exit, stdout, stderr }: ProgramEnd): void {
  process.stdout.write(stdout, 'latin1')
  process.stderr.write(stderr, 'latin1')
  process.exitCode = exit
}
