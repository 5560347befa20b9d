/** `postern`: one file per command. Exit codes: 0 done, 1 the answer is no or something is wrong, 2 wrong usage. */
import { Command, CommanderError } from 'commander'
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
  smtpd: async () => (await import('./smtpd.ts')).smtpdCommand(),
  check: async () => (await import('./check.ts')).checkCommand(),
  env: async () => (await import('./env.ts')).envCommand(),
  chain: async () => (await import('./chain.ts')).chainCommand(),
  enable: async () => (await import('./switch.ts')).enableCommand(),
  disable: async () => (await import('./switch.ts')).disableCommand(),
  shadow: async () => (await import('./shadow.ts')).shadowCommand(),
  test: async () => (await import('./test.ts')).testCommand(),
  send: async () => (await import('./send.ts')).sendCommand(),
  trace: async () => (await import('./trace.ts')).traceCommand(),
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
  'import-vpopmail': async () => (await import('./import-vpopmail.ts')).importVpopmailCommand(),
  list: async () => (await import('./list.ts')).listCommand(),
  greylist: async () => (await import('./greylist.ts')).greylistCommand(),
  tcprules: async () => (await import('./tcprules.ts')).tcprulesCommand(),
  tcprulescheck: async () => (await import('./tcprules.ts')).tcprulescheckCommand(),
  quarantine: async () => (await import('./quarantine.ts')).quarantineCommand(),
  'qmail-queue': async () => (await import('./qmail-queue.ts')).qmailQueueCommand(),
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

const asked = Object.entries(commands).find(([name]) => name === process.argv[2])
for (const command of asked === undefined ? Object.values(commands) : [asked[1]]) {
  program.addCommand(endingAsOurs(await command()))
}

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    process.stderr.write(`postern: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}

/** Wrong usage ends with 2, of commands within commands too. */
function endingAsOurs(command: Command): Command {
  for (const each of command.commands) endingAsOurs(each)
  return command.exitOverride()
}
