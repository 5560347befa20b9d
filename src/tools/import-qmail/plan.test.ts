import fc from 'fast-check'
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { buildCdb } from '../../formats/cdb-writer.ts'
import { latin1 } from '../../formats/octets.ts'
import { compileTcpRules, parseTcpRules } from '../../formats/tcprules.ts'
import { systemDisk } from '../../runtime/node/disk.ts'
import type { ImportFact } from './findings.ts'
import { refuseInside } from './outside.ts'
import { planQmailImport, type QmailImport } from './plan.ts'

const roots: string[] = []

afterEach(async () => {
  for (const root of roots.splice(0)) await rm(root, { recursive: true })
})

const usual = {
  '/var/qmail/control/me': 'mx.example\n',
  '/var/qmail/control/rcpthosts': 'mx.example\n',
  '/var/qmail/alias/.qmail-default': 'joe\n',
  '/etc/tcp.smtp': ':allow\n',
  '/service/send/run': 'exec qmail-start ./Mailbox splogger qmail\n',
}

type Files = Readonly<Record<string, string | Uint8Array>>

interface Imported extends QmailImport {
  /** `what` of the facts of one outcome. */
  readonly of: (outcome: ImportFact['outcome']) => readonly string[]
  /** A file of the new folder, as text. */
  readonly text: (name: string) => string
}

const request = {
  disk: systemDisk,
  scripts: [],
  shiftPorts: 0,
  pluginFolder: '/plugins',
  state: '../var',
  inPlace: false,
}

async function imported(files: Files, scripts: readonly string[] = []): Promise<Imported> {
  const root = await mkdtemp(join(tmpdir(), 'postern-import-'))
  roots.push(root)
  for (const [path, bytes] of Object.entries({ ...usual, ...files })) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), bytes, { mode: 0o640 })
    if (path.includes('open-to-all')) await chmod(join(root, path), 0o666)
  }
  const plan = await planQmailImport({ ...request, tree: join(root, 'var/qmail'), scripts })
  return {
    ...plan,
    of: (outcome) => plan.facts.filter((fact) => fact.outcome === outcome).map(({ what }) => what),
    text: (name) => latin1(plan.files.get(name) ?? new Uint8Array()),
  }
}

const smtpd = (line: string, before = ''): Files => {
  return { '/service/smtpd/run': `#!/bin/sh\n${before}\nexec ${line} 2>&1\n` }
}
const cdbOf = (text: string): Uint8Array => compileTcpRules(parseTcpRules(Buffer.from(text)))
const plain = 'tcpserver -v -R -H -x /etc/tcp.smtp.cdb 0 smtp qmail-smtpd'

describe('rules for clients', () => {
  test('stay as they are where text and cdb say the same', async () => {
    const text = '# ours\n10.:allow,RELAYCLIENT=""\n:allow\n'
    const { of, text: file } = await imported({
      ...smtpd(plain),
      '/etc/tcp.smtp': text,
      '/etc/tcp.smtp.cdb': cdbOf(text),
    })
    expect(file('tcp.smtp')).toBe(text)
    expect(of('dangerous')).toEqual([])
  })

  test('come from the cdb where the text says something else', async () => {
    const { of, text } = await imported({
      ...smtpd(plain),
      '/etc/tcp.smtp': '10.:allow\n',
      '/etc/tcp.smtp.cdb': cdbOf('192.168.:allow,A="1",B=+say "x"+\n10.1.2.3:deny\n'),
    })
    expect(text('tcp.smtp')).toBe('192.168.:allow,A="1",B=+say "x"+\n10.1.2.3:deny\n')
    expect(of('difference')).toContain('/etc/tcp.smtp says something else than /etc/tcp.smtp.cdb')
  })

  test('never make an open relay', async () => {
    const text =
      ':allow,RELAYCLIENT="",A="1"\n=:allow,RELAYCLIENT=""\n=.example:allow,RELAYCLIENT=""\n'
    const { of, text: file } = await imported({
      ...smtpd(plain, 'export RELAYCLIENT=""'),
      '/etc/tcp.smtp': text,
      '/etc/tcp.smtp.cdb': cdbOf(text),
    })
    expect(file('tcp.smtp')).toBe(':allow,A="1"\n=:allow\n=.example:allow,RELAYCLIENT=""\n')
    expect(of('dangerous')).toEqual([
      'everybody may relay (RELAYCLIENT)',
      'everybody may relay (RELAYCLIENT)',
      'every client that has a name may relay (RELAYCLIENT)',
    ])
    expect(of('difference')).toContain('clients named =.example may relay')
  })

  test('have what the run script sets for everybody, but for those that say otherwise', async () => {
    const text = '10.:allow,AUTH_SET_MAXRCPT="9"\n1.2.3.4:deny\n'
    const { text: file } = await imported({
      ...smtpd(plain, 'export AUTH_SET_MAXRCPT=500 DIEMSG="421 go away"'),
      '/etc/tcp.smtp': text,
      '/etc/tcp.smtp.cdb': cdbOf(text),
    })
    expect(file('tcp.smtp')).toBe(
      '10.:allow,AUTH_SET_MAXRCPT="9"\n1.2.3.4:deny,DIEMSG="421 go away"\n:allow,AUTH_SET_MAXRCPT="500"\n',
    )
  })

  test('without their cdb are told to be dangerous', async () => {
    const { of, text } = await imported({
      ...smtpd(plain),
      '/etc/tcp.smtp': 'nonsense:maybe\n10.:allow\n',
    })
    expect(of('dangerous')).toEqual(['/etc/tcp.smtp.cdb is missing'])
    expect(of('unsupported')).toContain('a line that is no rule')
    expect(text('tcp.smtp')).toBe('# not a rule: nonsense:maybe\n10.:allow\n')
  })
})

describe('programs in front of qmail-smtpd', () => {
  test('rblsmtpd is dnsbl, with its flags, its texts and its good lists', async () => {
    const line =
      'tcpserver -R 0 25 rblsmtpd -b -a good.example -r bad.example:see://x/?%IP% qmail-smtpd'
    const { yaml } = await imported({ ...smtpd(line) })
    expect(yaml).toContain('lists: ["bad.example see://x/?%IP%"]')
    expect(yaml).toContain('allow: [good.example]')
    expect(yaml).toContain('refuse: reject')
    expect(yaml).not.toContain('refuse_at')
  })

  test('two ports share one chain, and an entry of one of them says so', async () => {
    const { yaml } = await imported({
      '/service/a/run':
        'export MFCHECK=1\nexec tcpserver 0 25 rblsmtpd -r bad.example qmail-smtpd\n',
      '/service/b/run':
        'export MFCHECK=2 REQUIRE_AUTH=1\nexec tcpserver 127.0.0.1 587 qmail-smtpd\n',
    })
    expect(yaml).toMatch(
      /name: smtp [^]*name: submission [^]*listen: "?127.0.0.1:587[^]*auth: required/,
    )
    expect(yaml).toMatch(/plugin: dnsbl[^\n]*\n {4}when: \{ listener: \[smtp\] \}/)
    expect(yaml).toMatch(/plugin: mfcheck[^\n]*\n {4}when: \{ listener: \[smtp\] \}/)
    expect(yaml).toMatch(/name: mfcheck-submission\n {4}when: \{ listener: \[submission\] \}/)
    expect(yaml.match(/plugin: rcpthosts/g)).toHaveLength(1)
  })

  test('sslserver is implicit TLS, with the certificate that qmail-smtpd had', async () => {
    const { yaml, files } = await imported({
      ...smtpd('sslserver -e -R 0 465 qmail-smtpd'),
      '/var/qmail/control/servercert.pem': 'PEM',
    })
    expect(yaml).toMatch(/name: smtps[^]*tls: implicit[^]*certificate: control\/servercert.pem/)
    expect(files.has('control/servercert.pem')).toBe(true)
  })

  test('a vpopmail whose users are in a database is dangerous, since every address is refused', async () => {
    const domains = '/home/vpopmail/domains'
    const { facts } = await imported({
      ...smtpd('tcpserver 0 25 qmail-smtpd'),
      '/var/qmail/users/assign': [
        ...['sql.test', 'all.test', 'text.test'].map(
          (name) => `+${name}-:${name}:89:89:${domains}/${name}:-::\n`,
        ),
        '.\n',
      ].join(''),
      [`${domains}/sql.test/.qmail-default`]: '| vdelivermail "" bounce-no-mailbox\n',
      [`${domains}/all.test/.qmail-default`]: '&somebody@text.test\n',
      [`${domains}/text.test/vpasswd`]: 'bob:$1$salt$qJH7.N4xYta3aEG/dfqo/0:1:0::/x:NOQUOTA\n',
    })
    const told = facts.filter(({ what }) => /the vpopmail domain .* has no users/.test(what))
    expect(told).toMatchObject([
      { outcome: 'dangerous', what: expect.stringContaining('sql.test') },
    ])
  })

  test('a vpopmail is taken over with the other names of its domains (vaddaliasdomain), and vchkpw is asked no more', async () => {
    const folder = '/home/vpopmail/domains/one.test'
    const { vpopmail, text, of, yaml } = await imported({
      ...smtpd('tcpserver 0 25 qmail-smtpd mx /home/vpopmail/bin/vchkpw /bin/true'),
      '/var/qmail/users/assign': `+one.test-:one.test:89:89:${folder}:-::\n+two.test-:one.test:89:89:${folder}:-::\n.\n`,
      '/var/qmail/control/virtualdomains': 'one.test:one.test\ntwo.test:two.test\n',
      [`${folder}/vpasswd`]: 'bob:$1$salt$qJH7.N4xYta3aEG/dfqo/0:1:0::/x:NOQUOTA\n',
    })
    expect(vpopmail?.plan.domainAliases).toEqual([{ name: 'two.test', domain: 'one.test' }])
    expect(of('mapped')).toContain('two.test, another name of the vpopmail domain one.test')
    expect([text('control/virtualdomains'), text('users/assign')]).toEqual(['', '.\n'])
    // Who is asked before the accounts must not be a program that is left behind.
    expect(yaml).toMatch(/plugin: checkpassword .*\n +mode: "?off"?\n/)
    expect(of('difference')).toContain('/home/vpopmail/bin/vchkpw')
  })

  test('names are looked up for all listeners where one service did, for its rules by name', async () => {
    const { yaml } = await imported({
      '/service/a/run': 'exec tcpserver -H 0 25 qmail-smtpd\n',
      '/service/b/run': 'exec tcpserver 0 587 qmail-smtpd\n',
    })
    expect(yaml).toMatch(/client_names: confirmed/)
    const blind = await imported(smtpd('tcpserver -H 0 25 qmail-smtpd'))
    expect(blind.yaml).toMatch(/client_names: "?off/)
  })

  test('what only a rule turns on has its entry, which does nothing for others', async () => {
    const { yaml } = await imported({
      ...smtpd('tcpserver -x /etc/tcp.smtp.cdb 0 25 greetdelay qmail-smtpd'),
      '/etc/tcp.smtp':
        '127.:allow,MFCHECK="0"\n:allow,MFCHECK="3",GREETDELAY="15",SPFBEHAVIOR="2"\n',
    })
    expect(yaml).toMatch(/plugin: mfcheck # MFCHECK in tcp.smtp\n[^-]*level: "0"/)
    expect(yaml).toMatch(/plugin: spf # SPFBEHAVIOR in tcp.smtp\n[^-]*level: "0"/)
    expect(yaml).toMatch(
      /plugin: early-talker # GREETDELAY in tcp.smtp\n[^-]*delay: "?0s"?\n *refuse: true/,
    )
  })

  test('the variables of each service are those of its own env', async () => {
    const services: Files = Object.fromEntries(
      ['25', '587', '2525'].flatMap((port) => [
        [
          `/service/s${port}/run`,
          `exec envdir ${port === '25' ? 'env' : './env'} tcpserver 0 ${port} qmail-smtpd\n`,
        ],
        [`/service/s${port}/env/MFCHECK`, port === '587' ? '2\n' : '1\n'],
        [`/service/s${port}/env/REQUIRE_AUTH`, port === '587' ? '1\n' : ''],
      ]),
    )
    const { yaml, of } = await imported(services)
    expect(yaml.match(/auth: required/g)).toHaveLength(1)
    expect(yaml).toMatch(/:587[^]*auth: required/)
    expect(yaml).toMatch(/plugin: mfcheck # MFCHECK=1/)
    expect(yaml).toMatch(/plugin: mfcheck # MFCHECK=2/)
    expect(of('unsupported').filter((what) => what.includes('envdir'))).toEqual([])
  })

  test('a folder of envdir that is missing is told once, and nobody says that it was read', async () => {
    const { facts } = await imported(smtpd('envdir ./gone tcpserver -R -H 0 25 qmail-smtpd'))
    expect(facts.filter(({ what }) => what.includes('envdir'))).toMatchObject([
      {
        outcome: 'unsupported',
        what: 'envdir: the folder ./gone cannot be read',
        remark: 'the variables that it sets are not known: set them by hand',
      },
    ])
  })

  test('an exported variable that nothing here reads is told, and one that everybody has is not', async () => {
    const { facts, yaml } = await imported(
      smtpd(
        'tcpserver -R -H 0 25 qmail-smtpd',
        'export PATH=/bin MFDNSCHECK=1 QMAILSMTPD_HELP_VERSION=1',
      ),
    )
    expect(facts.filter(({ what }) => /^(?:PATH|MFDNSCHECK)/.test(what))).toMatchObject([
      {
        outcome: 'unsupported',
        what: 'MFDNSCHECK=1',
        remark: 'a variable that nothing here reads',
      },
    ])
    expect(yaml).toContain('help_version: true # QMAILSMTPD_HELP_VERSION=1')
  })

  test('a service of the TLS patch that begins with TLS (SMTPS) does so here', async () => {
    const { yaml } = await imported({
      '/service/tls/run': 'export SMTPS=1\nexec tcpserver 0 465 qmail-smtpd\n',
      '/service/plain/run': 'exec tcpserver 0 25 qmail-smtpd\n',
    })
    expect(yaml.match(/tls: implicit.*/g)).toEqual(['tls: implicit # SMTPS=1'])
  })

  test('numbers that are none are told, and addresses of both kinds are listened on', async () => {
    const { of, yaml } = await imported({
      ...smtpd('tcpserver -R -H -c many :0 25 qmail-smtpd', 'export MAXLOAD=high MAXCONNIP=2x'),
      '/service/six/run': 'exec tcpserver -R -H 2001:db8::25 587 qmail-smtpd\n',
    })
    expect(of('unsupported')).toEqual(expect.arrayContaining(['tcpserver -c many', 'MAXLOAD=high']))
    expect(yaml).toContain('listen: "[::]:25"')
    expect(yaml).toContain('listen: "[2001:db8::25]:587"')
    expect(yaml).toContain('max_connections_per_address: 2 ')
    expect(yaml).not.toContain('max_load')
  })

  test('what is not known is told, and nothing behind it is guessed', async () => {
    const { of, yaml } = await imported({ ...smtpd('tcpserver 0 25 strangefilter qmail-smtpd') })
    expect(of('unsupported')).toContain(
      'the service smtpd: tcpserver 0 25 strangefilter qmail-smtpd',
    )
    expect(yaml).toContain('listeners: []')
  })
})

describe('a run script that ends for want of a file', () => {
  const before = [
    '[ -f /etc/optional ] && exit 3',
    'if [ ! -f /etc/tcp.smtp.cdb ] ; then exit 1 ; fi',
    'if [ ! -f /var/qmail/control/auth.cdb ]\nthen\n  exit 1\nfi',
    'export MAXRCPT=700',
  ].join('\n')

  test('is read on as if it were there, and that is told', async () => {
    const { of, yaml } = await imported(smtpd(plain, before))
    expect(yaml).toContain('max_recipients: 700 # MAXRCPT=700')
    expect(of('difference')).toEqual(
      expect.arrayContaining([
        '/etc/tcp.smtp.cdb is missing',
        '/var/qmail/control/auth.cdb is missing',
      ]),
    )
  })

  test('is not where it ends for another reason', async () => {
    const { of, yaml } = await imported(smtpd(plain, 'exit 1'))
    expect(yaml).toContain('listeners: [] # none was found')
    expect(of('unsupported')).toContain('the service smtpd')
  })
})

describe('logins', () => {
  test('by a program are asked of that program', async () => {
    const line = 'tcpserver 0 25 qmail-smtpd mx.example /home/vpopmail/bin/vchkpw /bin/true'
    const { yaml, of } = await imported({ ...smtpd(line) })
    expect(yaml).toContain('command: [/home/vpopmail/bin/vchkpw, /bin/true]')
    expect(of('dangerous')).toEqual([])
  })

  test.each([
    '/bin/checkpassword /bin/true',
    'mx.example /bin/true /bin/checkpassword',
    'mx.example',
  ])('by qmail-smtpd %s would let anybody relay, or fail, and are left out', async (args) => {
    const { yaml, of } = await imported({ ...smtpd(`tcpserver 0 25 qmail-smtpd ${args}`) })
    expect(yaml).not.toContain('checkpassword\n')
    expect(yaml).not.toContain('plugin: checkpassword')
    expect(of('dangerous')).toEqual([`qmail-smtpd ${args}`])
  })
})

describe('scanners', () => {
  test('of some clients scan the mail of these alone', async () => {
    const text = '10.:allow,QMAILQUEUE="/var/qmail/bin/simscan"\n:allow\n'
    const { yaml } = await imported({
      ...smtpd(plain),
      '/etc/tcp.smtp': text,
      '/etc/tcp.smtp.cdb': cdbOf(text),
    })
    const when = 'when: { environment: ["QMAILQUEUE=/var/qmail/bin/simscan"] }'
    expect(yaml.split(when)).toHaveLength(4)
    expect(yaml).toContain('infected: reject')
  })

  test('of some services scan what comes to these, and the mail of clients whose rule names them', async () => {
    const text =
      '10.:allow,QMAILQUEUE="/var/qmail/bin/simscan"\n11.:allow,QMAILQUEUE="/var/qmail/bin/qmail-queue"\n:allow\n'
    const { yaml } = await imported({
      ...smtpd(plain, 'export QMAILQUEUE=/var/qmail/bin/simscan'),
      '/service/submission/run': 'exec tcpserver -x /etc/tcp.smtp.cdb 0 587 qmail-smtpd\n',
      '/etc/tcp.smtp': text,
      '/etc/tcp.smtp.cdb': cdbOf(text),
    })
    const [, ...entries] = yaml.split(/^ {2}- (?=plugin: (?:attachments|clamav|spamassassin) )/m)
    expect(entries).toHaveLength(3)
    for (const each of entries) {
      expect(each).toContain(
        'when: [{ listener: [smtp] }, { environment: ["QMAILQUEUE=/var/qmail/bin/simscan"] }]',
      )
      expect(each).toContain('unless: { environment: ["QMAILQUEUE=/var/qmail/bin/qmail-queue"] }')
    }
  })

  test('of two kinds each have entries of their own, for their own services', async () => {
    const { yaml } = await imported({
      ...smtpd(plain, 'export QMAILQUEUE=/var/qmail/bin/simscan'),
      '/service/submission/run':
        'export QMAILQUEUE=/var/qmail/bin/qmail-scanner-queue.pl\nexec tcpserver 0 587 qmail-smtpd\n',
    })
    expect(yaml).toMatch(/plugin: clamav\b[^\n]*\n\s+when: \{ listener: \[submission\] \}/)
    expect(yaml).toMatch(
      /plugin: clamav\b[^\n]*\n\s+name: clamav-simscan\n\s+when: \{ listener: \[smtp\] \}/,
    )
  })

  test('that nobody here knows go on running for their own service, one of them', async () => {
    const files = { '/usr/local/bin/one': '#!/bin/sh\n', '/usr/local/bin/two': '#!/bin/sh\n' }
    const { yaml, of } = await imported({
      ...files,
      ...smtpd(plain, 'export QMAILQUEUE=/usr/local/bin/one'),
      '/service/submission/run':
        'export QMAILQUEUE=/usr/local/bin/two\nexec tcpserver 0 587 qmail-smtpd\n',
    })
    expect(yaml).toMatch(
      /plugin: qmail-queue[^\n]*\n\s+when: \{ listener: \[smtp\] \}[^]*program: \/usr\/local\/bin\/one/,
    )
    expect(of('unsupported')).toContain('QMAILQUEUE=/usr/local/bin/two')
  })

  test('that nobody here knows go on running', async () => {
    const path = '/usr/local/bin/my-filter'
    const { yaml } = await imported({
      ...smtpd(plain, `export QMAILQUEUE=${path}`),
      [path]: '#!/bin/sh\n',
    })
    expect(yaml).toMatch(/plugin: qmail-queue[^]*program: \/usr\/local\/bin\/my-filter/)
  })
})

describe('the rest of the installation', () => {
  test('a run script that is named may lie in the tree, on this host, or nowhere', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'postern-run-'))
    roots.push(folder)
    const here = join(folder, 'run')
    await writeFile(here, 'exec tcpserver 0 2525 qmail-smtpd\n')
    const files = { '/etc/init.d/smtpd': 'exec tcpserver 0 26 qmail-smtpd\n' }
    const { yaml, of } = await imported(files, ['/etc/init.d/smtpd', here, '/nowhere/run'])
    expect(yaml).toContain('0.0.0.0:26')
    expect(yaml).toContain('0.0.0.0:2525')
    expect(of('unsupported')).toContain('the run script /nowhere/run')
  })

  test('a morercpthosts without its cdb, a domain in two files and open files are dangerous', async () => {
    const root = await imported({
      ...smtpd(plain),
      '/etc/tcp.smtp.cdb': cdbOf(':allow\n'),
      '/var/qmail/control/morercpthosts': 'more.example\n',
      '/var/qmail/control/locals': 'v.example\n',
      '/var/qmail/control/virtualdomains': 'v.example:v\n:all\n',
      '/var/qmail/alias/.qmail-open-to-all': 'x\n',
    })
    expect(root.of('dangerous')).toEqual([
      'morercpthosts.cdb is missing',
      'v.example is in locals and in virtualdomains',
      'everybody may write /var/qmail/alias/.qmail-open-to-all',
    ])
  })

  test('what qmail-start was given is the default delivery', async () => {
    const { text } = await imported({})
    expect(text('control/defaultdelivery')).toBe('./Mailbox\n')
  })

  test('qmail-pop3d is a listener whose logins its program knows', async () => {
    const line =
      'tcpserver -H -R 0 pop3 qmail-popup mx.example /bin/checkpassword qmail-pop3d Maildir'
    const { yaml } = await imported({ '/service/pop3d/run': `exec ${line}\n` })
    expect(yaml).toMatch(/name: pop3 [^]*role: pop3\n[^]*listen: "?0.0.0.0:110/)
    expect(yaml).toContain('command: [/bin/checkpassword, /bin/true]')
  })

  test('control files are taken, known or told to be strange', async () => {
    const { of } = await imported({
      '/var/qmail/control/databytes': '1000\n',
      '/var/qmail/control/tlsserverciphers': 'ALL\n',
      '/var/qmail/control/mystery': '\n',
    })
    expect(of('mapped')).toContain('control/databytes')
    expect(of('unsupported')).toEqual(
      expect.arrayContaining(['control/mystery', 'control/tlsserverciphers', 'qmail-smtpd']),
    )
  })

  test('what is no file where a file should be keeps nobody waiting', async () => {
    const root = await mkdtemp(join(tmpdir(), 'postern-import-'))
    roots.push(root)
    await mkdir(join(root, 'var/qmail/control'), { recursive: true })
    execFileSync('mkfifo', ['me', 'locals', 'rcpthosts', 'morercpthosts.cdb'], {
      cwd: join(root, 'var/qmail/control'),
    })
    const { facts } = await planQmailImport({ ...request, tree: join(root, 'var/qmail') })
    expect(facts.map(({ what }) => what)).toContain('control/me is missing')
  })

  test('a damaged cdb is told', async () => {
    const { of } = await imported({
      ...smtpd(plain),
      '/etc/tcp.smtp': '',
      '/etc/tcp.smtp.cdb': buildCdb([]).slice(0, 9),
    })
    expect(of('dangerous')).toContain('/etc/tcp.smtp.cdb is damaged')
  })
})

/** Options of a program, each with a value that occurs nowhere else. */
const optionsOf = (letters: string, flags: string) =>
  fc.subarray(`${letters}${flags}`.split('')).map((chosen) => {
    return chosen.map((letter) => ({ letter, isFlag: flags.includes(letter) }))
  })

test('nothing is written into an installation, not behind a symbolic link either', async () => {
  const root = await mkdtemp(join(tmpdir(), 'postern-import-'))
  roots.push(root)
  const tree = join(root, 'qmail')
  await mkdir(join(tree, 'control'), { recursive: true })
  await symlink(tree, join(root, 'elsewhere'))
  for (const inside of ['qmail', 'qmail/new', 'elsewhere', 'elsewhere/not/yet', 'x/../qmail/new']) {
    await expect(refuseInside(tree, join(root, inside))).rejects.toThrow('nothing is written')
    await expect(refuseInside(join(root, 'elsewhere'), join(root, inside))).rejects.toThrow(
      'nothing is written',
    )
  }
  for (const outside of ['', 'qmail-new', 'new/folder', 'elsewhere-too']) {
    await expect(refuseInside(tree, join(root, outside))).resolves.toBeUndefined()
  }
})

describe('a command line', () => {
  const wrappers = [
    { name: 'softlimit', letters: 'acdflmoprst', flags: '', takes: 0 },
    { name: 'setuidgid', letters: '', flags: '', takes: 1 },
    { name: 'chpst', letters: 'Ubenlo', flags: 'vP', takes: 0 },
    { name: 'envuidgid', letters: '', flags: '', takes: 1 },
    { name: 'setlock', letters: '', flags: 'nNxX', takes: 1 },
    { name: 'tcpserver', letters: 'bBugtlx', flags: 'XU1hHpPrRdDoOvQq', takes: 0 },
    { name: 'greetdelay', letters: '', flags: '', takes: 0 },
    { name: 'fixcrio', letters: '', flags: '', takes: 0 },
    { name: 'recordio', letters: '', flags: '', takes: 0 },
    { name: 'relay-ctrl-check', letters: '', flags: '', takes: 0 },
    { name: 'rblsmtpd', letters: 'ra', flags: 'bBcC', takes: 0 },
  ] as const
  const program = fc.tuple(
    ...wrappers.map((wrapper) =>
      fc.record({
        wrapper: fc.constant(wrapper),
        there: wrapper.name === 'tcpserver' ? fc.constant(true) : fc.boolean(),
        options: optionsOf(wrapper.letters, wrapper.flags),
      }),
    ),
  )
  const end = fc.constantFrom(
    'qmail-smtpd',
    'qmail-smtpd mx.example checkpassword-w1 /bin/true-w2',
    'spamdyke-w3 -f w4.conf /var/qmail/bin/qmail-smtpd',
    'qmail-scanner-w5 w6',
  )

  test('leaves no word that is neither taken over nor told', async () => {
    await fc.assert(
      fc.asyncProperty(program, end, async (chosen, last) => {
        let count = 0
        const wanted: string[] = []
        const flags: [program: string, letter: string][] = []
        const word = (): string => {
          count += 1
          wanted.push(`v${count}.word`)
          return `v${count}.word`
        }
        const words = chosen.flatMap(({ wrapper, there, options }) => {
          if (!there) return []
          const said = options.map(({ letter, isFlag }) => {
            // These are told by what they do: the name of the rules, the lists, the kind of refusal.
            const told = wrapper.name === 'rblsmtpd' || letter === 'x'
            if (isFlag && !told) flags.push([wrapper.name, ` -${letter}`])
            return isFlag ? `-${letter}` : `-${letter} ${word()}`
          })
          const own = Array.from({ length: wrapper.takes }, word)
          const address = wrapper.name === 'tcpserver' ? ['0', 'smtp'] : []
          const name = wrapper.takes > 0 || wrapper.letters === '' ? [wrapper.name] : []
          wanted.push(...(wrapper.name === 'setlock' ? [] : name))
          return [wrapper.name, ...said, ...own, ...address]
        })
        wanted.push(...(last.match(/\S*w\d\S*/g) ?? []))
        const { facts, yaml } = await imported(smtpd(`${words.join(' ')} ${last}`))
        const told = `${facts.map(({ what, source }) => `${what} ${source}`).join('\n')}\n${yaml}`
        expect(wanted.filter((each) => !told.includes(each))).toEqual([])
        const isTold = ([name, letter]: readonly [string, string]): boolean =>
          facts.some(({ what }) => what.includes(name) && what.includes(letter))
        expect(flags.filter((flag) => !isTold(flag))).toEqual([])
      }),
      { numRuns: 25 },
    )
  }, 60_000)

  test.each([
    ['greetdelay 12', '', '12s'],
    ['greetdelay', 'export GREETDELAY=7', '7s'],
  ])('with %s makes clients wait', async (program, before, delay) => {
    const { yaml } = await imported(
      smtpd(plain.replace('qmail-smtpd', `${program} qmail-smtpd`), before),
    )
    expect(yaml).toMatch(new RegExp(`plugin: early-talker[^]*delay: "${delay}"[^]*refuse: true`))
  })

  test('of a log is told, and what qmail-start runs for one', async () => {
    const { of } = await imported({
      ...smtpd(plain),
      '/service/smtpd/log/run': 'exec setuidgid qmaill multilog t s1000000 n20 /var/log/smtpd\n',
    })
    expect(of('difference')).toEqual(
      expect.arrayContaining(['multilog t s1000000 n20 /var/log/smtpd', 'splogger qmail']),
    )
  })
})
