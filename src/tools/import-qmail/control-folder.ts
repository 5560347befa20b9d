/** control/: every file of it, what becomes of it, and what is wrong with it. */
import { controlFiles } from '../../formats/control-files.ts'
import { parseLocals, parseVirtualDomains } from '../../formats/control-domains.ts'
import { settingFiles } from '../../formats/control-settings.ts'
import { controlList } from '../../formats/control.ts'
import { latin1 } from '../../formats/octets.ts'
import type { ConfigFiles } from './config-files.ts'
import type { ImportFindings } from './findings.ts'
import type { Installation } from './installation.ts'

/** Beside those that the gateway itself reads: those of plugins and listeners. */
const readElsewhere = [
  'badhelo',
  'badmailfrom',
  'badmailfromnorelay',
  'badrcptto',
  'badrcpttonorelay',
  'mfcheck',
  'morercpthosts',
  'morercpthosts.cdb',
  'percenthack',
  'simcontrol',
  'ssattach',
  'taps',
  'spfbehavior',
  'spfexp',
  'spfguess',
  'spfrules',
  'srs.secret',
  'auth.cdb',
  'validrcptto.cdb',
  'servercert.pem',
  'quarantine-events.txt',
]

/** Those that only a listener, or only another file, can say here. */
const remarks: ReadonlyMap<string, string> = new Map([
  ['concurrencyincoming', 'read by the run script: max_connections of the listener'],
  ['clientcert.pem', 'no certificate is shown to next hops'],
  ['clientca.pem', 'client_certificates of a listener; no certificate lets anybody relay'],
  ['clientcrl.pem', 'revoked certificates are not asked for'],
  ['blacklists', 'read by the run script: lists of the entry dnsbl'],
  [
    'tlsserverciphers',
    'the ciphers that Mozilla calls intermediate; receiver.tls_ciphers for others',
  ],
  ['tlsclientciphers', 'TLS 1.2 and 1.3 with the ciphers that Mozilla calls intermediate'],
  ['tlshosts', 'delivery.tls says by domain whether TLS must be'],
  ['dh512.pem', 'not needed'],
  ['dh1024.pem', 'not needed'],
  ['dh2048.pem', 'not needed'],
  ['rsa512.pem', 'not needed'],
  ['rsa2048.pem', 'not needed'],
  ['domainbindings', 'outgoingip is for all domains'],
  ['routebindings', 'outgoingip is for all domains'],
  ['qmqpservers', 'mail is queued here, never handed on by QMQP'],
])

const notNeeded = /^(?:dh|rsa)\d+\.pem$|^(?:blacklists|concurrencyincoming)$/

export async function importControl(
  installation: Installation,
  files: ConfigFiles,
  findings: ImportFindings,
): Promise<ReadonlySet<string>> {
  const folder = '/var/qmail/control'
  const there = new Set<string>()
  const taken = new Set<string>([...settingFiles, ...readElsewhere])
  for (const name of await installation.names(folder)) {
    const path = `${folder}/${name}`
    // oxlint-disable-next-line no-await-in-loop -- a few dozen files
    if ((await installation.stat(path))?.kind !== 'file') continue
    const bytes = installation.bytes(path)
    if (bytes === undefined) {
      findings.unsupported(`control/${name}`, path, 'it cannot be read')
      continue
    }
    there.add(name)
    if (taken.has(name)) {
      files.copy(`control/${name}`, bytes)
      findings.mapped(`control/${name}`, path, `control/${name}`)
    } else reportOther(name, path, findings)
  }
  judge(installation, there, findings)
  return there
}

function reportOther(name: string, path: string, findings: ImportFindings): void {
  const remark = remarks.get(name)
  if (remark !== undefined && notNeeded.test(name)) {
    findings.difference(`control/${name}`, path, { remark })
  } else if (remark !== undefined || Object.hasOwn(controlFiles, name)) {
    findings.unsupported(`control/${name}`, path, remark ?? 'nothing reads it here')
  } else findings.unsupported(`control/${name}`, path, 'no qmail program is known to read it')
}

function judge(
  installation: Installation,
  there: ReadonlySet<string>,
  findings: ImportFindings,
): void {
  const bytes = (name: string): Uint8Array | undefined =>
    installation.bytes(`/var/qmail/control/${name}`)
  const at = (name: string): string => `/var/qmail/control/${name}`
  if (!there.has('me')) {
    findings.dangerous(
      'control/me is missing',
      at('me'),
      'write the full name of this host into it',
    )
  }
  if (!there.has('rcpthosts')) {
    const remark =
      'qmail-smtpd relays for everybody then; here nothing is vouched for until you write one'
    findings.dangerous('control/rcpthosts is missing', at('rcpthosts'), remark)
  }
  if (there.has('morercpthosts') && !there.has('morercpthosts.cdb')) {
    const remark = 'its domains are refused, as by qmail-smtpd: run postern newmrh'
    findings.dangerous('morercpthosts.cdb is missing', at('morercpthosts'), remark)
  }
  const me =
    latin1(bytes('me') ?? new Uint8Array())
      .split('\n')[0]
      ?.trim() ?? ''
  const locals = parseLocals(bytes('locals'), me).value
  const virtual = parseVirtualDomains(bytes('virtualdomains')).value
  for (const domain of locals) {
    if (virtual.find(`postmaster@${domain}`)?.key.toLowerCase() !== domain) continue
    const remark = 'locals decides, as with qmail; take it out of one of them'
    findings.dangerous(`${domain} is in locals and in virtualdomains`, at('virtualdomains'), remark)
  }
  for (const { text, line } of controlList(bytes('smtproutes'))) {
    if (!text.startsWith(':') || !there.has('rcpthosts')) continue
    findings.mapped(
      `all other mail goes to ${text.slice(1)}`,
      `${at('smtproutes')}:${line}`,
      'control/smtproutes',
    )
  }
}
