/** Where a command stands in the help. What is named nowhere stands under the last heading. */
const headings: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'Every day:',
    [
      'start',
      'stat',
      'check',
      'pause',
      'cont',
      'reload',
      'restart',
      'stop',
      'doctor',
      'trace',
      'why',
      'log',
      'send',
    ],
  ],
  ['What waits:', ['queue', 'flush', 'doqueue', 'quarantine']],
  [
    'Policy:',
    ['chain', 'enable', 'disable', 'list', 'greylist', 'env', 'dkim', 'replay', 'shadow', 'test'],
  ],
  [
    'Domains and people:',
    ['relay', 'domain', 'user', 'alias', 'mkauth', 'import', 'import-vpopmail', 'serve-tree'],
  ],
  ['Files of qmail:', ['showctl', 'cdb', 'tcprules', 'tcprulescheck', 'analog']],
  ['Mail in and out:', ['sendmail', 'inject', 'local', 'qmail-queue', 'smtpd']],
])

export const lastHeading = 'More:'

/** Of those with qmail's own arguments, words and exit codes. */
export const qmailHeading = "In place of qmail's programs:"

export function headingOf(command: string): string {
  for (const [heading, commands] of headings) if (commands.includes(command)) return heading
  return lastHeading
}
