/**
 * Variables of the qmail world that no option has: what reads them in place of an option, or why nothing does.
 * `postern env` shows them, so that nobody waits for an effect that never comes.
 */

/** By families: the names end in the name of another variable. */
export const variableFamilies: ReadonlyMap<string, string> = new Map([
  ['AUTH_SET_', 'A login sets the variable whose name follows to this value.'],
  ['AUTH_UNSET_', 'A login takes the variable whose name follows away.'],
])

/** Set for the programs that Postern runs, and for nobody else. */
export const variablesForPrograms: ReadonlyMap<string, string> = new Map([
  ['DKQUEUE', 'set for QMAILQUEUE programs: where their next qmail-queue is'],
  ['SMTP_AUTH_USER', 'set for programs: who has logged in'],
  ['SPFRESULT', 'set for programs: what SPF found'],
  ['TCPREMOTEINFO', 'set for programs: what tcpserver’s ident said, or who has logged in'],
])

/** Not supported, each with the reason and what there is instead. */
export const unsupportedVariables: ReadonlyMap<string, string> = new Map([
  ['LOGREGEX', 'log and trace always name the pattern that matched'],
  [
    'JGREYLIST_DIR',
    'what greylist knows is in the store; postern greylist import takes a folder over',
  ],
  ['JGREYLIST_LOG', 'trace and log say what greylist answered'],
  ['JGREYLIST_LOG_PID', 'a line of the log names its session'],
  ['JGREYLIST_LOG_SMTP', 'record: true on a listener keeps the dialogues'],
  ['JGREYLIST_TIMEOUT', 'no conversation is faked: the session goes on'],
  ['NOP0FCHECK', 'nothing here guesses at operating systems, so there is nothing to opt out of'],
  ['SIMSCAN_DEBUG', 'scanners are entries of the chain: log.level, and postern trace'],
])
