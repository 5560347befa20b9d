/** `postern`: one file per command. Exit codes: 0 done, 1 the answer is no or something is wrong, 2 wrong usage. */
import { Command, CommanderError } from 'commander'
import { headingOf, lastHeading } from './headings.ts'
import { helpCommand, topicsLine } from './help.ts'
import type { QmailToolName } from './qmail-tools.ts'

const program = new Command('postern')
  .description('A programmable mail gateway')
  .showSuggestionAfterError()
  .exitOverride()

const qmailTool = (name: QmailToolName) => async () =>
  (await import('./qmail-tools.ts')).qmailToolCommand(name)

/** In the order of the help. Only the one that is asked for is loaded: the gateway's supervisor stays small by it. */
const commands = {
  start: async () => (await import('./start.ts')).startCommand(),
  stat: async () => (await import('./stat.ts')).statCommand(),
  pause: async () => (await import('./control-actions.ts')).pauseCommand(),
  cont: async () => (await import('./control-actions.ts')).contCommand(),
  flush: async () => (await import('./control-actions.ts')).flushCommand('flush'),
  doqueue: async () => (await import('./control-actions.ts')).flushCommand('doqueue'),
  reload: async () => (await import('./control-actions.ts')).reloadCommand(),
  restart: async () => (await import('./control-actions.ts')).restartCommand(),
  stop: async () => (await import('./control-actions.ts')).stopCommand(),
  cdb: async () => (await import('./cdb.ts')).cdbCommand(),
  showctl: async () => (await import('./showctl.ts')).showctlCommand(),
  doctor: async () => (await import('./doctor.ts')).doctorCommand(),
  smtpd: async () => (await import('./smtpd.ts')).smtpdCommand(),
  check: async () => (await import('./check.ts')).checkCommand(),
  env: async () => (await import('./env.ts')).envCommand(),
  chain: async () => (await import('./chain.ts')).chainCommand(),
  relay: async () => (await import('./relay.ts')).relayCommand(),
  enable: async () => (await import('./switch.ts')).enableCommand(),
  disable: async () => (await import('./switch.ts')).disableCommand(),
  shadow: async () => (await import('./shadow.ts')).shadowCommand(),
  replay: async () => (await import('./replay.ts')).replayCommand(),
  test: async () => (await import('./test.ts')).testCommand(),
  send: async () => (await import('./send.ts')).sendCommand(),
  analog: async () => (await import('./analog.ts')).analogCommand(),
  matchup: async () => (await import('./analog.ts')).matchupCommand(),
  zsendmail: async () => (await import('./analog.ts')).zsendmailCommand(),
  tai64nlocal: async () => (await import('./tai64nlocal.ts')).tai64nlocalCommand(),
  why: async () => (await import('./why.ts')).whyCommand(),
  log: async () => (await import('./log.ts')).logCommand(),
  'replay-dialogue': async () => (await import('./replay-dialogue.ts')).replayDialogueCommand(),
  trace: async () => (await import('./trace.ts')).traceCommand(),
  alerts: async () => (await import('./alerts.ts')).alertsCommand(),
  'tls-report': async () => (await import('./tls-report.ts')).tlsReportCommand(),
  metrics: async () => (await import('./metrics.ts')).metricsCommand(),
  queue: async () => (await import('./queue.ts')).queueCommand(),
  dkim: async () => (await import('./dkim.ts')).dkimCommand(),
  sendmail: async () => (await import('./sendmail.ts')).sendmailCommand(),
  inject: async () => (await import('./inject.ts')).injectCommand(),
  local: async () => (await import('./local.ts')).localCommand(),
  mkauth: async () => (await import('./mkauth.ts')).mkauthCommand(),
  admin: async () => (await import('./admin.ts')).adminCommand(),
  user: async () => (await import('./user.ts')).userCommand(),
  domain: async () => (await import('./domain.ts')).domainCommand(),
  alias: async () => (await import('./alias.ts')).aliasCommand(),
  import: async () => (await import('./import.ts')).importCommand(),
  'serve-tree': async () => (await import('./serve-tree.ts')).serveTreeCommand(),
  'import-vpopmail': async () => (await import('./import-vpopmail.ts')).importVpopmailCommand(),
  list: async () => (await import('./list.ts')).listCommand(),
  greylist: async () => (await import('./greylist.ts')).greylistCommand(),
  tcprules: async () => (await import('./tcprules.ts')).tcprulesCommand(),
  tcprulescheck: async () => (await import('./tcprules.ts')).tcprulescheckCommand(),
  quarantine: async () => (await import('./quarantine.ts')).quarantineCommand(),
  'qmail-queue': async () => (await import('./qmail-queue.ts')).qmailQueueCommand(),
  completion: async () => (await import('./completion.ts')).completionCommand(whole),
  newu: qmailTool('newu'),
  newmrh: qmailTool('newmrh'),
  pw2u: qmailTool('pw2u'),
  getpw: qmailTool('getpw'),
  mkvalidrcptto: qmailTool('mkvalidrcptto'),
  forward: qmailTool('forward'),
  fastforward: qmailTool('fastforward'),
  'dot-forward': qmailTool('dot-forward'),
  setforward: qmailTool('setforward'),
  printforward: qmailTool('printforward'),
  newaliases: qmailTool('newaliases'),
  newinclude: qmailTool('newinclude'),
  condredirect: qmailTool('condredirect'),
  bouncesaying: qmailTool('bouncesaying'),
  except: qmailTool('except'),
  preline: qmailTool('preline'),
  predate: qmailTool('predate'),
  datemail: qmailTool('datemail'),
  qreceipt: qmailTool('qreceipt'),
  maildirmake: qmailTool('maildirmake'),
  safecat: qmailTool('safecat'),
  autorespond: qmailTool('autorespond'),
}

type Load = () => Promise<Command>
const loads: ReadonlyMap<string, Load> = new Map<string, Load>(Object.entries(commands))

/** `postern` with all of its commands. */
async function whole(): Promise<Command> {
  for (const load of loads.values()) add(await load())
  return program
}

function add(command: Command): void {
  if (program.commands.some((each) => each.name() === command.name())) return
  if (command.helpGroup() === '') command.helpGroup(headingOf(command.name()))
  for (const each of withThoseBelow(command)) each.exitOverride()
  program.addCommand(command)
}

/** Wrong usage of any of them is told by the same exit code. */
function withThoseBelow(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withThoseBelow)]
}

program
  .option('--manual', 'print the manual page, postern(1)')
  .option('--version', 'print the version')

const asked = loads.get(process.argv[2] ?? '')
if (asked === undefined) await whole()
else add(await asked())
program.helpCommand(false)
program.addCommand(
  helpCommand(async (name) => program.commands.find((each) => each.name() === name)).helpGroup(
    lastHeading,
  ),
)
program.addHelpText('after', `\npostern help NAME is about a command or a topic; ${topicsLine}`)

// Whoever reads the first lines only has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1)
})

try {
  const [, , first] = process.argv
  if (first === '--manual' || first === '--version') await printAbout(first)
  else await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    process.stderr.write(`postern: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}

async function printAbout(what: '--manual' | '--version'): Promise<void> {
  const { manualPage, ownVersion } = await import('./manual.ts')
  const version = ownVersion()
  process.stdout.write(what === '--version' ? `${version}\n` : manualPage(program, version))
}
