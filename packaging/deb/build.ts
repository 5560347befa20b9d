/**
 * Builds postern_VERSION_ARCH.deb of dist/app, with the packages that it needs and a Node of its own: Debian's is too old.
 * Needs dpkg-deb and gzip, and nothing of debhelper.
 */
import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { buildApp, type BuiltApp } from '../build.ts'
import { productionPackages } from '../production-packages.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
const scripts = ['postinst', 'prerm', 'postrm']
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }

export interface DebRequest {
  readonly app: BuiltApp
  /** Where the package goes. */
  readonly to: string
  /** `none` is for tests: quick, and large. */
  readonly compression?: 'xz' | 'none'
}

/** @returns the path of the package. @throws Error where a program fails */
export function buildDeb({ app, to, compression = 'xz' }: DebRequest): string {
  const architecture = architectures[process.arch]
  if (architecture === undefined) throw new Error(`there is no Debian name for ${process.arch}`)
  const root = mkdtempSync(join(tmpdir(), 'postern-deb-'))
  try {
    putApplication(root, app)
    putConfiguration(root, app)
    putDocumentation(root, app)
    putControl(root, { version: app.version, architecture })
    const path = join(to, `postern_${app.version}_${architecture}.deb`)
    mkdirSync(to, { recursive: true })
    const args = ['--root-owner-group', `-Z${compression}`, '--build', root, path]
    execFileSync('dpkg-deb', args, { stdio: ['ignore', 'ignore', 'inherit'] })
    return path
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

function put(root: string, path: string, bytes: string | Uint8Array, mode = 0o644): void {
  mkdirSync(dirname(join(root, path)), { recursive: true, mode: 0o755 })
  writeFileSync(join(root, path), bytes, { mode })
  chmodSync(join(root, path), mode)
}

/** /usr/lib/postern: the application, its packages, its Node; `postern` finds them through its link. */
function putApplication(root: string, { folder }: BuiltApp): void {
  const lib = join(root, 'usr/lib/postern')
  mkdirSync(lib, { recursive: true })
  for (const name of ['bin', 'src', 'plugins', 'dist', 'package.json']) {
    if (readdirSync(folder).includes(name))
      cpSync(join(folder, name), join(lib, name), { recursive: true })
  }
  for (const name of productionPackages(checkout)) {
    const source = join(checkout, name)
    cpSync(source, join(lib, name), {
      recursive: true,
      dereference: true,
      filter: (path) => path === source || !path.slice(source.length).includes('/node_modules'),
    })
  }
  const node = readdirSync(join(lib, 'node_modules')).find((name) =>
    /^node-(?:bin-)?linux-/.test(name),
  )
  if (node === undefined) throw new Error('the Node for this machine is not installed')
  mkdirSync(join(lib, 'node_modules/.bin'))
  symlinkSync(`../${node}/bin/node`, join(lib, 'node_modules/.bin/node'))
  // What is configured where nobody says otherwise.
  symlinkSync('/etc/postern', join(lib, 'config'))
  mkdirSync(join(root, 'usr/bin'), { recursive: true })
  symlinkSync('../lib/postern/bin/postern', join(root, 'usr/bin/postern'))
}

/** /etc/postern: the sample, its own files in /var/lib/postern, operators' plugins in /etc/postern/plugins. */
function putConfiguration(root: string, { folder }: BuiltApp): void {
  const etc = join(root, 'etc/postern')
  cpSync(join(folder, 'config'), etc, {
    recursive: true,
    filter: (path) => !/\/config\/(?:examples|dkim)$/.test(path),
  })
  const path = join(etc, 'postern.yaml')
  const yaml = readFileSync(path, 'utf8')
    .replace(
      /^# state: (\/var\/lib\/postern) .*$/m,
      'state: $1 # spool, store, accounts, control socket: all of its own',
    )
    .replaceAll('../var/', '/var/lib/postern/')
    .replace('  - ../plugins\n', '  - /usr/lib/postern/plugins\n')
    .replace(
      '  - ../plugins/local\n',
      '  - /usr/lib/postern/plugins/local\n  - /etc/postern/plugins\n',
    )
  writeFileSync(path, yaml)
  put(
    root,
    'etc/postern/plugins/README',
    'Plugins of your own: NAME/NAME.ts, see /usr/lib/postern/plugins/README.md\n',
  )
  for (const unit of ['postern.service', 'postern.socket']) {
    put(
      root,
      `usr/lib/systemd/system/${unit}`,
      readFileSync(join(checkout, 'packaging/systemd', unit)),
    )
  }
}

function putDocumentation(root: string, app: BuiltApp): void {
  const { folder } = app
  const doc = 'usr/share/doc/postern'
  put(root, `${doc}/copyright`, readFileSync(join(folder, 'LICENSE')))
  put(
    root,
    `${doc}/changelog.gz`,
    gzipSync(readFileSync(join(folder, 'CHANGELOG.md')), { level: 9 }),
  )
  put(root, `${doc}/README.md`, readFileSync(join(folder, 'README.md')))
  cpSync(join(folder, 'config/examples'), join(root, doc, 'examples'), { recursive: true })
  const { manual, bash, zsh, fish } = aboutItself(app)
  put(root, 'usr/share/man/man1/postern.1.gz', gzipSync(manual, { level: 9 }))
  put(root, 'usr/share/bash-completion/completions/postern', bash)
  put(root, 'usr/share/zsh/vendor-completions/_postern', zsh)
  put(root, 'usr/share/fish/vendor_completions.d/postern.fish', fish)
}

/** What is made of the commands: the manual page, and completion for shells. One start of Node for all of it. */
function aboutItself({
  folder,
  version,
}: BuiltApp): Readonly<Record<'manual' | 'bash' | 'zsh' | 'fish', string>> {
  const commands = pathToFileURL(join(folder, 'src/cli')).href
  const script = `
    const [{ wholeProgram }, { manualPage }, { completionOf }] = await Promise.all(
      ['program', 'manual', 'completion'].map((name) => import('${commands}/' + name + '.js')))
    const program = await wholeProgram()
    const ofShells = ['bash', 'zsh', 'fish'].map((shell) => [shell, completionOf(program, shell)])
    console.log(JSON.stringify({ manual: manualPage(program, '${version}'), ...Object.fromEntries(ofShells) }))
  `
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' }),
  )
}

function putControl(
  root: string,
  { version, architecture }: { readonly version: string; readonly architecture: string },
): void {
  const files = filesIn(root)
  const bytes = files.reduce((sum, path) => sum + statSync(join(root, path)).size, 0)
  const control = [
    'Package: postern',
    `Version: ${version}`,
    `Architecture: ${architecture}`,
    'Maintainer: Postern <postmaster@localhost>',
    `Installed-Size: ${Math.ceil(bytes / 1024)}`,
    'Depends: libc6, libstdc++6, libatomic1, adduser',
    'Suggests: clamav-daemon, spamassassin, rspamd, unbound, dovecot-imapd',
    'Section: mail',
    'Priority: optional',
    'Description: programmable mail gateway',
    ' An SMTP receiver that asks a chain of typed plugins, a durable queue and a',
    ' courier. Reads the control files of qmail; plugins are TypeScript, without a',
    ' build. Node comes with it.',
  ]
  const sums = files.map((path) => {
    return `${createHash('md5')
      .update(readFileSync(join(root, path)))
      .digest('hex')}  ${path}`
  })
  const conffiles = files.filter((path) => path.startsWith('etc/')).map((path) => `/${path}`)
  put(root, 'DEBIAN/control', `${control.join('\n')}\n`)
  put(root, 'DEBIAN/md5sums', `${sums.join('\n')}\n`)
  put(root, 'DEBIAN/conffiles', `${conffiles.join('\n')}\n`)
  for (const name of scripts) {
    put(root, `DEBIAN/${name}`, readFileSync(join(checkout, 'packaging/deb', name)), 0o755)
  }
}

/** Sorted; links are none. Everybody may read them, nobody but root may write them. */
function filesIn(root: string): readonly string[] {
  const items = readdirSync(root, { recursive: true, withFileTypes: true })
  for (const item of items) {
    const path = join(item.parentPath, item.name)
    if (item.isSymbolicLink()) continue
    const isProgram = item.isDirectory() || (statSync(path).mode & 0o100) !== 0
    chmodSync(path, isProgram ? 0o755 : 0o644)
  }
  chmodSync(root, 0o755)
  return items
    .filter((item) => item.isFile())
    .map((item) => join(item.parentPath, item.name).slice(root.length + 1))
    .toSorted()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , to = join(checkout, 'dist')] = process.argv
  process.stdout.write(`${buildDeb({ app: buildApp(), to })}\n`)
}
