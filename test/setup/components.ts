/**
 * The programs of others that tests talk to. A test asks here, and is skipped where one is not
 * installed; with CI=true a missing program is a failure, so that nothing is skipped unseen.
 * Installing them is the business of install.ts, never of a test.
 */
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Component {
  /** The program, as it is called on Debian. */
  readonly program: string
  /** The Debian packages that bring it, with what it needs for our tests. */
  readonly packages: readonly string[]
}

export type ComponentName =
  | 'chromium'
  | 'clamd'
  | 'curl'
  | 'dovecot'
  | 'e2fsprogs'
  | 'fetchmail'
  | 'fish'
  | 'getmail'
  | 'ldns'
  | 'mail-dkim'
  | 'msmtp'
  | 'mutt'
  | 'netcat'
  | 'nmap'
  | 'opendkim'
  | 'openssl'
  | 'perl'
  | 'procmail'
  | 'python3'
  | 'rbldnsd'
  | 'rblsmtpd'
  | 'rspamd'
  | 'spamd'
  | 'strace'
  | 'swaks'
  | 'tcprules'
  | 'tcpserver'
  | 'tinycdb'
  | 'unbound'
  | 'zsh'

/** One row for each; a test that needs another program adds it here. */
export const components: Readonly<Record<ComponentName, Component>> = {
  chromium: { program: 'chromium', packages: ['chromium', 'fonts-dejavu-core'] },
  clamd: { program: 'clamd', packages: ['clamav-daemon'] },
  curl: { program: 'curl', packages: ['curl'] },
  dovecot: { program: 'dovecot', packages: ['dovecot-core', 'dovecot-lmtpd'] },
  e2fsprogs: { program: 'mkfs.ext4', packages: ['e2fsprogs'] },
  fetchmail: { program: 'fetchmail', packages: ['fetchmail'] },
  fish: { program: 'fish', packages: ['fish'] },
  getmail: { program: 'getmail', packages: ['getmail6'] },
  ldns: { program: 'ldns-signzone', packages: ['ldnsutils'] },
  'mail-dkim': { program: 'dkimproxy-verify', packages: ['libmail-dkim-perl'] },
  msmtp: { program: 'msmtp', packages: ['msmtp'] },
  mutt: { program: 'mutt', packages: ['mutt'] },
  netcat: { program: 'nc.openbsd', packages: ['netcat-openbsd'] },
  nmap: { program: 'nmap', packages: ['nmap'] },
  opendkim: { program: 'opendkim', packages: ['opendkim'] },
  openssl: { program: 'openssl', packages: ['openssl'] },
  perl: { program: 'perl', packages: ['perl-base'] },
  procmail: { program: 'procmail', packages: ['procmail'] },
  python3: { program: 'python3', packages: ['python3'] },
  rbldnsd: { program: 'rbldnsd', packages: ['rbldnsd'] },
  rblsmtpd: { program: 'rblsmtpd', packages: ['ucspi-tcp'] },
  rspamd: { program: 'rspamd', packages: ['rspamd'] },
  spamd: { program: 'spamd', packages: ['spamd', 'spamassassin'] },
  strace: { program: 'strace', packages: ['strace'] },
  tcprules: { program: 'tcprules', packages: ['ucspi-tcp'] },
  tcpserver: { program: 'tcpserver', packages: ['ucspi-tcp'] },
  tinycdb: { program: 'cdb', packages: ['tinycdb'] },
  unbound: { program: 'unbound', packages: ['unbound'] },
  zsh: { program: 'zsh', packages: ['zsh'] },
  swaks: {
    program: 'swaks',
    packages: ['swaks', 'libnet-ssleay-perl', 'libdigest-hmac-perl', 'libauthen-sasl-perl'],
  },
}

/** Mail servers, and what would bring a daemon, are unpacked and run from there; they are never installed. */
export interface UnpackedServer {
  readonly name: string
  readonly root: string
  readonly packages: readonly string[]
  /** It is there where this file is. */
  readonly proof: string
}

export type ServerName = 'postfix' | 'exim' | 'maildrop'

export const servers: { readonly [N in ServerName]: UnpackedServer } = {
  postfix: {
    name: 'Postfix',
    root: cached('postfix'),
    packages: ['postfix'],
    proof: 'usr/sbin/smtp-sink',
  },
  exim: {
    name: 'Exim',
    root: cached('exim'),
    // Exim knows its own user by name only: nss_wrapper tells it one.
    packages: ['exim4-daemon-light', 'libnss-wrapper'],
    proof: 'usr/sbin/exim4',
  },
  maildrop: {
    name: 'maildrop',
    root: cached('maildrop'),
    packages: ['maildrop', 'courier-authlib'],
    proof: 'usr/bin/maildrop',
  },
}

export const postfixRoot = servers.postfix.root

function cached(folder: string): string {
  return fileURLToPath(new URL(`../../.cache/${folder}`, import.meta.url))
}

/** The system's own programs come before whatever else PATH holds. */
const systemFolders = ['/usr/bin', '/usr/sbin', '/bin', '/sbin']

export function component(name: ComponentName): { readonly path: string } | undefined {
  return findProgram(components[name].program)
}

export function findProgram(program: string): { readonly path: string } | undefined {
  const path = [...systemFolders, ...(process.env['PATH'] ?? '').split(delimiter)]
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, program))
    .find(isExecutable)
  return path === undefined ? undefined : { path }
}

export interface PostfixTool {
  readonly path: string
  /** To be added to the environment of the process. */
  readonly env: { readonly LD_LIBRARY_PATH: string; readonly MAIL_CONFIG: string }
}

/** `smtp-sink` and `smtp-source`; run by root, smtp-sink wants `-u nobody`. */
export function postfixTool(name: string): PostfixTool | undefined {
  const path = join(postfixRoot, 'usr/sbin', name)
  if (!isExecutable(path)) return undefined
  const libraries = ['usr/lib/postfix', 'usr/lib', `usr/lib/${multiarch()}`]
  return {
    path,
    env: {
      LD_LIBRARY_PATH: libraries.map((folder) => join(postfixRoot, folder)).join(delimiter),
      MAIL_CONFIG: join(postfixRoot, 'etc/postfix'),
    },
  }
}

export interface EximProgram {
  readonly path: string
  /** To be added to the environment of the process. */
  readonly env: { readonly LD_LIBRARY_PATH: string; readonly LD_PRELOAD: string }
}

export function eximProgram(): EximProgram | undefined {
  const { root, proof } = servers.exim
  const path = join(root, proof)
  if (!isExecutable(path)) return undefined
  const libraries = join(root, 'usr/lib', multiarch())
  return {
    path,
    env: { LD_LIBRARY_PATH: libraries, LD_PRELOAD: join(libraries, 'libnss_wrapper.so') },
  }
}

export interface MaildropProgram {
  readonly path: string
  /** To be added to the environment of the process. */
  readonly env: { readonly LD_LIBRARY_PATH: string }
}

export function maildropProgram(): MaildropProgram | undefined {
  const { root, proof } = servers.maildrop
  const path = join(root, proof)
  if (!isExecutable(path)) return undefined
  const libraries = ['usr/lib', `usr/lib/${multiarch()}`].map((folder) => join(root, folder))
  const LD_LIBRARY_PATH = libraries.join(delimiter)
  return { path, env: { LD_LIBRARY_PATH } }
}

/** Whether it has been unpacked. */
export function isUnpacked({ root, proof }: UnpackedServer): boolean {
  return isExecutable(join(root, proof))
}

/**
 * For `describe.skipIf(isMissing('swaks'))(…)`.
 * @throws Error with CI=true, where a missing component is a failure and not a reason to skip.
 */
export function isMissing(...names: readonly (ComponentName | ServerName)[]): boolean {
  const missing = names.filter((name) =>
    isServer(name) ? !isUnpacked(servers[name]) : component(name) === undefined,
  )
  if (missing.length > 0 && process.env['CI'] === 'true') {
    throw new Error(`With CI=true these must be installed: ${missing.join(', ')}`)
  }
  return missing.length > 0
}

function isServer(name: ComponentName | ServerName): name is ServerName {
  return name in servers
}

function multiarch(): string {
  return process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu'
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
