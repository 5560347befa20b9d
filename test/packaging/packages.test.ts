/** What npm and Debian get: built once, unpacked into empty folders, and run there. Nothing in them may need the checkout. */
import { existsSync } from 'node:fs'
import {
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildApp, type BuiltApp } from '../../packaging/build.ts'
import { buildDeb } from '../../packaging/deb/build.ts'
import { productionPackages } from '../../packaging/production-packages.ts'
import { readFolder } from '../../src/tools/read-offline.ts'
import {
  checkout,
  delivered,
  dialogue,
  runProgram,
  startGateway,
  type GatewayFolder,
} from '../end-to-end/started-gateway.ts'

const patience = 300_000
const root = checkout.replace(/\/$/, '')
let work: string
let app: BuiltApp

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'postern-packages-'))
  app = buildApp()
}, patience)

afterAll(async () => {
  await rm(work, { recursive: true, force: true })
}, patience)

/** As somebody writes it who has only read plugins/README.md. */
const operatorsPlugin = `import { definePlugin, option, pass, reject, type Plugin } from 'postern/plugin'

export const noStrangers: Plugin = definePlugin({
  name: 'no-strangers',
  options: { word: option.string({ default: 'stranger' }) },
  setup: () => ({
    mail({ reversePath }, { options: { word } }) {
      const name: string = reversePath?.localPart ?? ''
      return name === word ? reject('5.7.1', 'We know no strangers') : pass()
    },
  }),
})
`

/** A configuration outside node_modules, with a plugin in TypeScript beside it. */
async function configuration(name: string, plugins: string): Promise<GatewayFolder> {
  const at = join(work, name)
  const config = join(at, 'config')
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(config, path)), { recursive: true })
    await writeFile(join(config, path), text)
  }
  await write('control/me', 'mx.example\n')
  await write('control/rcpthosts', 'mx.example\n')
  await write('tcp.smtp', ':allow\n')
  await write('plugins/no-strangers/no-strangers.ts', operatorsPlugin)
  await write(
    'postern.yaml',
    `listeners: [{ name: mx, listen: '127.0.0.1:0' }]
chain:
  - plugin: relay-clients
  - plugin: rcpthosts
  - plugin: no-strangers
  - plugin: attachments
plugin_dirs: ['${plugins}', plugins]
`,
  )
  return {
    root: at,
    config,
    write,
    read: (path) => readFile(join(config, path), 'utf8'),
    remove: () => rm(at, { recursive: true, force: true }),
  }
}

function transaction(content: string): readonly string[] {
  return [
    'MAIL FROM:<friend@client.example>',
    'RCPT TO:<bob@mx.example>',
    'DATA',
    `${content}\r\n.`,
  ]
}

/** A program in a zip file, as the body of a message. */
function archive(): string {
  const bytes = Buffer.from(zipSync({ 'a.exe': Buffer.from('MZ') })).toString('base64')
  const type = 'Content-Type: application/zip\r\nContent-Transfer-Encoding: base64'
  return `MIME-Version: 1.0\r\n${type}\r\n\r\n${bytes.match(/.{1,76}/g)?.join('\r\n')}`
}

/** Sends a message, and one that the operator's plugin refuses; the first arrives. */
async function expectService(program: string, folder: GatewayFolder): Promise<void> {
  const gateway = await startGateway(folder, { program })
  try {
    const replies = await dialogue(gateway.port, [
      'EHLO client.example',
      ...transaction('Subject: hello\r\n\r\ntext'),
      ...transaction(`Content-Disposition: attachment; filename=a.zip\r\n${archive()}`),
    ])
    expect(replies[5]).toMatch(/^250 2\.0\.0 /)
    // Archives are opened by a thread of the plugin's own.
    expect(replies[9]).toMatch(/^550 5\.7\.1 /)
    expect(await delivered(folder, ['bob', 'mx.example'])).toHaveLength(1)
    const refused = await dialogue(gateway.port, [
      'EHLO client.example',
      'MAIL FROM:<stranger@client.example>',
    ])
    expect(refused.at(-1)).toMatch(/^550 5\.7\.1 We know no strangers/)
  } finally {
    await gateway.stop()
  }
}

describe('npm pack', () => {
  let modules: string

  beforeAll(async () => {
    // What prepack builds is there already.
    const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', work]
    await runProgram('npm', args, { cwd: root })
    modules = join(work, 'npm/node_modules')
    await mkdir(join(modules, 'postern'), { recursive: true })
    const tarball = join(work, `postern-${app.version}.tgz`)
    await runProgram('tar', [
      '-xzf',
      tarball,
      '-C',
      join(modules, 'postern'),
      '--strip-components=1',
    ])
    // As npm install would put them there, without a network.
    await mkdir(join(modules, '.bin'))
    for (const path of productionPackages(root)) {
      const to = join(work, 'npm', path)
      if (path.lastIndexOf('node_modules') > 0) continue
      await mkdir(dirname(to), { recursive: true })
      await symlink(join(root, path), to)
    }
    await symlink('../postern/bin/postern', join(modules, '.bin/postern'))
    const node = await readlink(join(root, 'node_modules/.bin/node'))
    await symlink(node, join(modules, '.bin/node'))
  }, patience)

  test('holds no TypeScript but declarations, no tests, and nothing that only we need', async () => {
    const files = await readdir(join(modules, 'postern'), { recursive: true })
    expect(files.filter((name) => /(?<!\.d)\.ts$/.test(name))).toEqual([])
    expect(files.filter((name) => /\.test\.|^(?:test|node_modules)\b/.test(name))).toEqual([])
    expect(files).toContain('dist/app/src/gateway.worker.js')
    expect(files).toContain('dist/app/plugins/attachments/open-archive.worker.js')
    expect(files).toContain('dist/app/config/postern.yaml')
    // Where src/tools/open-administration.js looks for the pages.
    expect(files).toContain('dist/app/dist/ui/index.html')
  })

  test(
    'runs where it is installed, with an operator’s plugin in TypeScript',
    async () => {
      const folder = await configuration('npm-run', join(modules, 'postern/dist/app/plugins'))
      await expectService(join(modules, '.bin/postern'), folder)
    },
    patience,
  )

  test(
    'knows its commands, its version, and the sample that it brings',
    async () => {
      const program = join(modules, '.bin/postern')
      expect((await runProgram(program, ['--version'])).stdout).toBe(`${app.version}\n`)
      // A copy beside it: its plugins are found, and whoever listens on the sample's port is in nobody's way.
      const sample = join(modules, 'postern/dist/app/config')
      const config = `${sample}-copy`
      await cp(sample, config, { recursive: true })
      const yaml = await readFile(join(config, 'postern.yaml'), 'utf8')
      await writeFile(
        join(config, 'postern.yaml'),
        yaml.replaceAll('127.0.0.1:2525', '127.0.0.1:0'),
      )
      const chain = await runProgram(program, ['chain', '--config', config])
      expect(chain).toMatchObject({ code: 0 })
      expect(chain.stdout).toContain('revoked-tags')
    },
    patience,
  )

  test(
    'has the types that a plugin and its test are written against',
    async () => {
      const folder = join(work, 'npm/types')
      await mkdir(folder)
      await writeFile(join(folder, 'no-strangers.ts'), operatorsPlugin)
      const use = `import { pluginUnderTest } from 'postern/testkit'
import { noStrangers } from './no-strangers.ts'

export const underTest = pluginUnderTest(noStrangers, {})
// @ts-expect-error A plugin has a name, and it is no number.
export const length: number = noStrangers.name
`
      await writeFile(join(folder, 'use.ts'), use)
      const options = {
        module: 'nodenext',
        target: 'es2025',
        lib: ['esnext'],
        strict: true,
        noEmit: true,
        skipLibCheck: true,
        allowImportingTsExtensions: true,
        types: ['node'],
        typeRoots: [join(root, 'node_modules/@types')],
      }
      const project = JSON.stringify({ compilerOptions: options, include: ['.'] })
      await writeFile(join(folder, 'tsconfig.json'), project)
      await writeFile(join(folder, 'package.json'), '{"type":"module"}')
      const tsc = join(root, 'node_modules/.bin/tsc')
      expect(await runProgram(tsc, ['-p', folder])).toMatchObject({ code: 0, stdout: '' })
    },
    patience,
  )
})

const hasDpkg = existsSync('/usr/bin/dpkg-deb')

describe.skipIf(!hasDpkg)('the Debian package', () => {
  let deb: string
  let installed: string

  beforeAll(async () => {
    deb = buildDeb({ app, to: work, compression: 'none' })
    installed = join(work, 'debian')
    await runProgram('dpkg-deb', ['-x', deb, installed])
  }, patience)

  test(
    'says what it is, and what an administrator may change',
    async () => {
      const { stdout } = await runProgram('dpkg-deb', ['-I', deb])
      expect(stdout).toContain('Package: postern')
      expect(stdout).toContain(`Version: ${app.version}`)
      const conffiles = await runProgram('dpkg-deb', ['-I', deb, 'conffiles'])
      expect(conffiles.stdout.split('\n')).toEqual(
        expect.arrayContaining(['/etc/postern/postern.yaml', '/etc/postern/control/me']),
      )
      for (const script of ['postinst', 'prerm', 'postrm']) {
        const { stdout: text } = await runProgram('dpkg-deb', ['-I', deb, script])
        const path = join(work, script)
        await writeFile(path, text)
        expect(await runProgram('sh', ['-n', path])).toMatchObject({ code: 0, stderr: '' })
      }
    },
    patience,
  )

  test('leaves modes and groups as an administrator has set them, when it is updated', async () => {
    const { stdout } = await runProgram('dpkg-deb', ['-I', deb, 'postinst'])
    const [, first = ''] = /if \[ -z "\$2" \]; then\n([^]*?)\n {2}fi/.exec(stdout) ?? []
    expect(first).toMatch(/chgrp -R postern \/etc\/postern\n +chmod 0750 \/etc\/postern$/)
    expect(stdout.replace(first, '')).not.toMatch(/ch(?:mod|own) |chgrp -R/)
  })

  test('belongs to root, and nobody else may write it', async () => {
    const { stdout } = await runProgram('dpkg-deb', ['-c', deb])
    const lines = stdout.trimEnd().split('\n')
    expect(lines.length).toBeGreaterThan(1000)
    expect(lines.filter((line) => !line.includes(' root/root '))).toEqual([])
    expect(lines.filter((line) => /^[-d].....?..w/.test(line))).toEqual([])
  })

  test('has units, a manual page, completion for shells, the administration’s pages, and the program where PATH finds it', async () => {
    for (const name of [
      'usr/lib/systemd/system/postern.service',
      'usr/lib/systemd/system/postern.socket',
      'usr/share/man/man1/postern.1.gz',
      'usr/share/doc/postern/copyright',
      'usr/share/bash-completion/completions/postern',
      'usr/share/fish/vendor_completions.d/postern.fish',
      'usr/lib/postern/dist/ui/index.html',
    ]) {
      expect(existsSync(join(installed, name)), name).toBe(true)
    }
    const zsh = await readFile(join(installed, 'usr/share/zsh/vendor-completions/_postern'), 'utf8')
    expect(zsh).toMatch(/^#compdef postern\n/)
    expect((await lstat(join(installed, 'usr/bin/postern'))).isSymbolicLink()).toBe(true)
    expect(await readlink(join(installed, 'usr/lib/postern/config'))).toBe('/etc/postern')
  })

  test('brings a configuration that is right where it is installed', async () => {
    const path = join(installed, 'etc/postern/postern.yaml')
    const yaml = await readFile(path, 'utf8')
    expect(yaml).toContain('path: /var/lib/postern/spool')
    expect(yaml).not.toMatch(/^[^#]*\.\.\//m)
    const moved = yaml
      .replaceAll('/usr/lib/postern', join(installed, 'usr/lib/postern'))
      .replaceAll('/var/lib/postern', join(installed, 'var/lib/postern'))
      .replaceAll('/etc/postern/plugins', join(installed, 'etc/postern/plugins'))
      .replace('127.0.0.1:2525', '127.0.0.1:0')
    await writeFile(path, moved)
    const program = join(installed, 'usr/bin/postern')
    const check = await runProgram(program, ['check', '--config', join(installed, 'etc/postern')])
    expect(check).toMatchObject({ code: 0 })
    // Beside /etc/postern the gateway's user may write nothing: control socket, accounts and keys lie with the spool.
    const { configuration } = readFolder(join(installed, 'etc/postern'))
    expect(configuration?.operator.folder).toBe(join(installed, 'var/lib/postern/control'))
    expect(JSON.stringify(configuration)).not.toContain(join(installed, 'etc/var'))
  })

  test(
    'runs with the Node that it brings, and an operator’s plugin',
    async () => {
      const folder = await configuration('deb-run', join(installed, 'usr/lib/postern/plugins'))
      await expectService(join(installed, 'usr/bin/postern'), folder)
    },
    patience,
  )
})
