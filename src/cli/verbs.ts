/**
 * The verbs of `postern`, in the order of the help. A verb's own file is loaded where it is asked for: the gateway's
 * supervisor stays small by it, and `postern help` is quick. What is made of them: program.ts.
 */
import type { Command } from 'commander'
import { qmailHeading } from './headings.ts'
import { qmailTools, type QmailTool } from './qmail-tools.ts'

export interface Verb {
  /** As its command says it of itself, for a list that loads none of them. */
  readonly about: string
  /** @param whole `postern` with all of its verbs */
  readonly load: (whole: () => Promise<Command>) => Promise<Command>
  /** Where it stands in the help, if not where `headings.ts` has it. */
  readonly heading?: string
  /** It works in the folders of the gateway, and typed by root it does so as the account that they belong to. */
  readonly inFoldersOfGateway?: true
}

function qmailVerb(name: string, tool: QmailTool): Verb {
  const load = async () => (await import('./qmail-tool-command.ts')).qmailToolCommand(name, tool)
  return { about: tool.about, load, heading: qmailHeading }
}

const table = {
  start: {
    about: 'run the gateway in the foreground',
    load: async () => (await import('./start.ts')).startCommand(),
  },
  stat: {
    about: 'what runs, since when, what waits; exit code 3 where nothing runs',
    load: async () => (await import('./stat.ts')).statCommand(),
  },
  pause: {
    about: 'deliver nothing until `postern cont`; mail is still taken',
    load: async () => (await import('./control-actions.ts')).pauseCommand(),
    inFoldersOfGateway: true,
  },
  cont: {
    about: 'deliver again, what waited at once, and take mail again',
    load: async () => (await import('./control-actions.ts')).contCommand(),
    inFoldersOfGateway: true,
  },
  flush: {
    about: 'try every queued message now',
    load: async () => (await import('./control-actions.ts')).flushCommand('flush'),
    inFoldersOfGateway: true,
  },
  doqueue: {
    about: 'try every queued message now',
    load: async () => (await import('./control-actions.ts')).flushCommand('doqueue'),
    inFoldersOfGateway: true,
  },
  reload: {
    about: 'read the configuration anew; with mistakes in it nothing changes',
    load: async () => (await import('./control-actions.ts')).reloadCommand(),
  },
  restart: {
    about: 'new workers, with plugins as they are now; nobody is refused',
    load: async () => (await import('./control-actions.ts')).restartCommand(),
  },
  stop: {
    about: 'end the gateway; sessions and deliveries under way may finish',
    load: async () => (await import('./control-actions.ts')).stopCommand(),
  },
  cdb: {
    about: 'rebuild tcp.smtp.cdb, morercpthosts.cdb and users/cdb from their texts',
    load: async () => (await import('./cdb.ts')).cdbCommand(),
  },
  showctl: {
    about: 'show every control file: its value or default, and who reads it',
    load: async () => (await import('./showctl.ts')).showctlCommand(),
  },
  doctor: {
    about: 'examine the installation; exit code 1 where something must be mended',
    load: async () => (await import('./doctor.ts')).doctorCommand(),
  },
  smtpd: {
    about: 'pass a client of tcpserver or inetd on to the running gateway',
    load: async () => (await import('./smtpd.ts')).smtpdCommand(),
  },
  check: {
    about: 'read the configuration and say what is wrong with it',
    load: async () => (await import('./check.ts')).checkCommand(),
  },
  env: {
    about: 'show what tcp.smtp variables do, or what a client would get',
    load: async () => (await import('./env.ts')).envCommand(),
  },
  chain: {
    about: 'show which entry is asked at which stage, in order',
    load: async () => (await import('./chain.ts')).chainCommand(),
  },
  relay: {
    about: 'domains whose mail is taken and passed on',
    load: async () => (await import('./relay.ts')).relayCommand(),
  },
  enable: {
    about: 'turn an entry of the chain on, after trying whether it could work',
    load: async () => (await import('./switch.ts')).enableCommand(),
  },
  disable: {
    about: 'turn an entry of the chain off',
    load: async () => (await import('./switch.ts')).disableCommand(),
  },
  shadow: {
    about: 'what entries in shadow mode would have done, and put one of them in force',
    load: async () => (await import('./shadow.ts')).shadowCommand(),
  },
  replay: {
    about: 'put recorded sessions to a candidate configuration, and say whose verdict changes',
    load: async () => (await import('./replay.ts')).replayCommand(),
  },
  test: {
    about: 'run the tests of the policy: files that say which session has which verdict',
    load: async () => (await import('./test.ts')).testCommand(),
  },
  send: {
    about: 'send a test message',
    load: async () => (await import('./send.ts')).sendCommand(),
  },
  analog: {
    about: "qmailanalog's reports, from Postern's log or qmail-send's",
    load: async () => (await import('./analog.ts')).analogCommand(),
  },
  matchup: {
    about: 'match deliveries with their messages, as qmailanalog does',
    load: async () => (await import('./analog.ts')).matchupCommand(),
  },
  zsendmail: {
    about: 'a log of qmail or Postern in the manner of sendmail',
    load: async () => (await import('./analog.ts')).zsendmailCommand(),
  },
  tai64nlocal: {
    about: 'TAI64N labels at the beginning of lines as local times',
    load: async () => (await import('./tai64nlocal.ts')).tai64nlocalCommand(),
  },
  why: {
    about: 'tell the whole story of a message or of a refusal',
    load: async () => (await import('./why.ts')).whyCommand(),
    inFoldersOfGateway: true,
  },
  log: {
    about: 'list what happened to mail, one line for each transaction, the newest last',
    load: async () => (await import('./log.ts')).logCommand(),
    inFoldersOfGateway: true,
  },
  'replay-dialogue': {
    about: 'play a recorded SMTP dialogue to a server; 1 where it answers otherwise',
    load: async () => (await import('./replay-dialogue.ts')).replayDialogueCommand(),
  },
  trace: {
    about: 'explain what happened to a message or a refused connection',
    load: async () => (await import('./trace.ts')).traceCommand(),
    inFoldersOfGateway: true,
  },
  alerts: {
    about: 'what is wrong with the running gateway',
    load: async () => (await import('./alerts.ts')).alertsCommand(),
  },
  'tls-report': {
    about: 'TLS with the mail exchangers of a day: successes, failures and their reasons',
    load: async () => (await import('./tls-report.ts')).tlsReportCommand(),
    inFoldersOfGateway: true,
  },
  metrics: {
    about: 'the numbers of the running gateway, in the text format of Prometheus',
    load: async () => (await import('./metrics.ts')).metricsCommand(),
  },
  queue: {
    about: 'look at queued messages, and steer them',
    load: async () => (await import('./queue.ts')).queueCommand(),
    inFoldersOfGateway: true,
  },
  dkim: {
    about: 'keys for DKIM signatures',
    load: async () => (await import('./dkim.ts')).dkimCommand(),
  },
  sendmail: {
    about: 'queue a message from standard input, as programs call /usr/sbin/sendmail',
    load: async () => (await import('./sendmail.ts')).sendmailCommand(),
  },
  inject: {
    about: 'complete a message from standard input and queue it, as qmail-inject',
    load: async () => (await import('./inject.ts')).injectCommand(),
  },
  local: {
    about: 'deliver one message to one local address, as qmail-local',
    load: async () => (await import('./local.ts')).localCommand(),
  },
  pop3d: {
    about: 'serve a Maildir by POP3 on standard input and output, after a login, as qmail-pop3d',
    load: async () => (await import('./pop3d.ts')).pop3dCommand(),
    heading: qmailHeading,
  },
  mkauth: {
    about: 'collect who may log in, with password hashes, as lines or as auth.cdb',
    load: async () => (await import('./mkauth.ts')).mkauthCommand(),
  },
  admin: {
    about: 'who may log in to the administration',
    load: async () => (await import('./admin.ts')).adminCommand(),
    inFoldersOfGateway: true,
  },
  user: {
    about: 'accounts: who may log in',
    load: async () => (await import('./user.ts')).userCommand(),
    inFoldersOfGateway: true,
  },
  domain: {
    about: 'domains whose users have mailboxes here',
    load: async () => (await import('./domain.ts')).domainCommand(),
    inFoldersOfGateway: true,
  },
  alias: {
    about: 'addresses whose mail goes to others',
    load: async () => (await import('./alias.ts')).aliasCommand(),
    inFoldersOfGateway: true,
  },
  import: {
    about: 'make a configuration of an installed qmail, which is only read',
    load: async () => (await import('./import.ts')).importCommand(),
  },
  'serve-tree': {
    about: 'run on an installed qmail in place: its files are followed, and never written',
    load: async () => (await import('./serve-tree.ts')).serveTreeCommand(),
  },
  'import-vpopmail': {
    about: 'take over the domains, users and aliases of a vpopmail',
    load: async () => (await import('./import-vpopmail.ts')).importVpopmailCommand(),
  },
  list: {
    about: 'allow and block clients and senders',
    load: async () => (await import('./list.ts')).listCommand(),
  },
  greylist: {
    about: 'show and change whom greylisting knows',
    load: async () => (await import('./greylist.ts')).greylistCommand(),
    inFoldersOfGateway: true,
  },
  tcprules: {
    about: 'compile rules into a cdb, as tcprules does',
    load: async () => (await import('./tcprules.ts')).tcprulesCommand(),
  },
  tcprulescheck: {
    about: 'show what compiled rules say of a client, as tcprulescheck does',
    load: async () => (await import('./tcprules.ts')).tcprulescheckCommand(),
  },
  quarantine: {
    about: 'look at held mail, and let it go',
    load: async () => (await import('./quarantine.ts')).quarantineCommand(),
    inFoldersOfGateway: true,
  },
  'qmail-queue': {
    about: 'hand a message to the queue: message on descriptor 0, envelope on 1',
    load: async () => (await import('./qmail-queue.ts')).qmailQueueCommand(),
  },
  completion: {
    about: 'print a script that completes commands and options in your shell',
    load: async (whole) => (await import('./completion.ts')).completionCommand(whole),
  },
} satisfies Readonly<Record<string, Verb>>

export const verbs: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ...Object.entries(table),
  ...Object.entries(qmailTools).map(([name, tool]) => [name, qmailVerb(name, tool)] as const),
])
