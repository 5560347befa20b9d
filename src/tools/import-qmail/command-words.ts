/**
 * The words of a service's command line that no entry and no listener is made of: each is told, with what stands in its place
 * here. Nothing of a run script goes without a word.
 */
import type { ServiceProgram } from '../../formats/run-script/service-line.ts'
import type { ImportFindings } from './findings.ts'
import type { Service } from './services.ts'

interface Note {
  readonly outcome: 'difference' | 'unsupported'
  readonly remark: string
  readonly to?: string
}

/** An option that is said elsewhere, with its value: by the listener, the rules or an entry. */
const told = 'told'
type Letters = Readonly<Record<string, Note | typeof told>>

const same = (remark: string, to?: string): Note => {
  return { outcome: 'difference', remark, ...(to === undefined ? {} : { to }) }
}
const lost = (remark: string): Note => ({ outcome: 'unsupported', remark })

const owner = same('the gateway has a user of its own, whom the service or the package chooses')
const limits = same(
  'the limits of the process are those of its unit or its own run script; sizes have limits here',
)
const logging = same('what is logged, and where to, says log:')
const unusual = lost('nothing here reads it')

const tcpserver: Letters = {
  c: told,
  x: told,
  B: told,
  u: owner,
  g: owner,
  U: owner,
  H: same(
    'names of clients are not looked up where no service for qmail-smtpd does it: all listeners have one setting',
    'dns.client_names',
  ),
  h: same('names of clients are looked up for rules that want them', 'dns.client_names'),
  p: same('a name must lead back to its address', 'dns.client_names: confirmed'),
  P: same('a name must lead back to its address all the same; client_names: any is as it was'),
  R: same('what ident says is not asked for'),
  r: lost('what ident says is not asked for unless the listener says ident: 26s'),
  t: same('what ident says is not asked for unless the listener says ident, with its deadline'),
  l: same('the own name is that of control/me, and no lookup is made for it'),
  b: same('the system has the queue of new connections: net.core.somaxconn'),
  X: same(
    'a missing cdb is told, and the rules before it stay in force; with none all may connect',
  ),
  '1': same('postern stat says where it listens'),
  d: same('replies are never held back (TCP_NODELAY)'),
  D: same('replies are never held back (TCP_NODELAY)'),
  o: same('IP options of source routes are the business of the system'),
  O: same('IP options of source routes are the business of the system'),
  v: logging,
  q: logging,
  Q: logging,
  e: same('programs behind it do not run here'),
  '3': lost('its wire protocol is that of sslserver'),
  n: same('TLS is offered as the listener says'),
  N: same('TLS is offered as the listener says'),
  i: unusual,
  I: unusual,
}

const softlimit = Object.fromEntries('acdflmoprst'.split('').map((letter) => [letter, limits]))

interface Wrapper {
  /** Of the program itself, and its arguments. */
  readonly whole?: Note
  readonly letters: Letters
}

/** Of each program in front of the one that serves: what it is here, and its options. */
const programs: ReadonlyMap<string, Wrapper> = new Map<string, Wrapper>([
  ['tcpserver', { letters: tcpserver }],
  ['sslserver', { letters: tcpserver }],
  ['rblsmtpd', { letters: { b: told, B: told, c: told, C: told, t: told, r: told, a: told } }],
  ['jgreylist', { letters: {} }],
  ['qmail-popup', { whole: same('its banner has the name of control/me'), letters: {} }],
  ['softlimit', { letters: softlimit }],
  ['chpst', { letters: { ...softlimit, u: owner, U: owner } }],
  ['setuidgid', { whole: owner, letters: {} }],
  ['envuidgid', { whole: owner, letters: {} }],
  ['envdir', { whole: same('its variables were read, each is told by itself'), letters: {} }],
  [
    'recordio',
    { whole: lost('record: true on the listener keeps dialogues, without secrets'), letters: {} },
  ],
  [
    'fixcrio',
    {
      whole: lost('lines end in CR LF here; receiver and LINEENDS say what else is taken'),
      letters: {},
    },
  ],
  // Told by the entry that it becomes.
  ['greetdelay', { letters: {} }],
  // Told option by option.
  ['spamdyke', { letters: {} }],
  [
    'relay-ctrl-check',
    { whole: lost('POP before SMTP is not known here: people log in'), letters: {} },
  ],
  ...['setlock', 'pgrphack', 'fghack', 'nohup', 'setsid'].map((name) => {
    return [name, { whole: same('the unit or the supervisor sees to that'), letters: {} }] as const
  }),
])

/** @param services that are taken over; the last program of each is told by who takes it over */
export function reportWords(services: readonly Service[], findings: ImportFindings): void {
  for (const { line, source } of services) {
    for (const program of line.programs) {
      const about = programs.get(program.name)
      if (about === undefined) continue
      const { whole, letters } = about
      const say = (what: string, { outcome, remark, to }: Note): void => {
        if (outcome === 'unsupported') findings.unsupported(what, source, remark)
        else findings.difference(what, source, { remark, ...(to === undefined ? {} : { to }) })
      }
      // What is wrong with it has been told, and it does not do what it would.
      if (whole !== undefined && program.problem === undefined) say(commandLine(program), whole)
      for (const { letter, value } of program.options) {
        const note = letters[letter] ?? whole ?? unusual
        if (note === told || (whole !== undefined && note === whole)) continue
        say(`${program.name} -${letter}${value === '' ? '' : ` ${value}`}`, note)
      }
    }
  }
}

/** As it was typed, but for quotes. */
export function commandLine({ name, options, args }: ServiceProgram): string {
  const said = options.map(({ letter, value }) => `-${letter}${value === '' ? '' : ` ${value}`}`)
  return [name, ...said, ...args].join(' ')
}
