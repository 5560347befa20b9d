/** `postern doctor` on installations that are well, and on such as are not. */
import { chmod, mkdir, readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { examineFolders } from '../../src/tools/doctor/folders.ts'
import { examineClock, examineDescriptors, examineNode } from '../../src/tools/doctor/system.ts'
import { systemDisk } from '../../src/runtime/node/disk.ts'
import { systemClock } from '../../src/runtime/node/clock.ts'
import { readOffline } from '../../src/tools/read-offline.ts'
import { fakeClock } from '../../src/testkit/fake-clock.ts'
import { nameServer, type NameServer } from './name-server.ts'
import { gatewayFolder, runPostern, startGateway, type GatewayFolder } from './started-gateway.ts'

let folder: GatewayFolder
let server: NameServer

beforeEach(async () => {
  folder = await gatewayFolder()
  server = await nameServer({ 'postern.test': { MX: ['10 mx.postern.test'] } })
  await change(['\nlog:', `\ndns: { servers: ["127.0.0.1:${server.port}"], timeout: 20s }\nlog:`])
})
afterEach(async () => {
  server.close()
  await folder.remove()
})

async function change(...changes: readonly (readonly [string, string])[]): Promise<void> {
  const before = await readFile(join(folder.config, 'postern.yaml'), 'utf8')
  const after = changes.reduce((text, [from, to]) => text.replace(from, to), before)
  await folder.write('postern.yaml', after)
}

interface Said {
  readonly code: number | null
  readonly ok: boolean
  readonly examinations: readonly { about: string; state: string; says: string; remedy?: string }[]
}

async function doctor(): Promise<Said> {
  const { code, stdout } = await runPostern(['doctor', '--json', '--config', folder.config])
  return { code, ...JSON.parse(stdout) }
}

const ill = ({ examinations }: Said) => examinations.filter(({ state }) => state === 'problem')

describe('an installation', () => {
  test('that is well has nothing to be mended, before it runs and while it does, and nothing stays behind', async () => {
    await change(['mfcheck\n    mode: off', 'mfcheck'])
    const before = await doctor()
    expect([ill(before), before.code, before.ok]).toEqual([[], 0, true])
    const about = new Set(before.examinations.map((each) => each.about))
    for (const wanted of [
      'node',
      'configuration',
      'spool',
      'ports',
      'descriptors',
      'clock',
      'dns',
      'mfcheck',
    ]) {
      expect(about).toContain(wanted)
    }
    // Entries ask the name servers of the configuration, not those of the host.
    expect(server.questions).toContain('MX example.org')
    const gateway = await startGateway(folder)
    try {
      const during = await doctor()
      expect([ill(during), during.code]).toEqual([[], 0])
      const runs = during.examinations.find((each) => each.about === 'gateway')
      expect(runs).toMatchObject({
        state: 'well',
        says: expect.stringContaining(`pid ${gateway.pid}`),
      })
    } finally {
      await gateway.stop()
    }
    const left = await readdir(join(folder.root, 'var'))
    expect(left.filter((name) => name.includes('doctor'))).toEqual([])
  }, 60_000)

  test('whose port is taken, whose name servers are silent and whose scanner is away is told what to type', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const address = other.address()
    const port = typeof address === 'object' ? address?.port : undefined
    await change(
      [`"127.0.0.1:${server.port}"`, '"127.0.0.1:1"'],
      ['127.0.0.1:0', `127.0.0.1:${port}`],
      [
        'chain:\n',
        'chain:\n  - { plugin: clamav, name: scanner, options: { servers: [/no/such/clamd] } }\n',
      ],
    )
    const said = await doctor()
    expect(said.code).toBe(1)
    const problems = ill(said)
    expect(problems.map((each) => each.about)).toEqual(
      expect.arrayContaining(['configuration', 'ports', 'dns', 'scanner']),
    )
    expect(problems.filter(({ remedy }) => remedy === undefined)).toEqual([])
    const { stdout } = await runPostern(['doctor', '--config', folder.config])
    expect(stdout).toContain('    try: ss -ltnp')
    expect(stdout).toMatch(/\d things must be mended\.\n$/)
    other.close()
  }, 60_000)

  test('whose configuration cannot be read is told so', async () => {
    await folder.write('postern.yaml', 'chain: [\n')
    expect(ill(await doctor())).toMatchObject([{ about: 'configuration' }])
  })
})

describe('a spool', () => {
  const lying = async (kind: 'network' | 'overlay' | 'disk', freeBytes: number) => {
    const found = await examineFolders(readOffline(folder.config), {
      disk: systemDisk,
      clock: systemClock,
      uid: process.getuid?.(),
      fileSystemOf: async () => ({ kind, freeBytes, freeFiles: undefined }),
    })
    return found
      .filter(({ state }) => state !== 'well')
      .map(({ about, says }) => `${about}: ${says}`)
  }

  test('on a network, in a container’s layer, or without room is a warning', async () => {
    expect(await lying('disk', 1e12)).toEqual([])
    expect(await lying('network', 1e12)).toEqual([expect.stringContaining('a network file system')])
    expect(await lying('overlay', 1e6)).toEqual([
      expect.stringContaining('the layer of a container'),
      expect.stringContaining('room: 0 MB are free'),
    ])
  })

  test('into which others may look is one, too', async () => {
    const path = join(folder.root, 'var/spool')
    await mkdir(path, { recursive: true })
    await chmod(path, 0o755)
    expect(await lying('disk', 1e12)).toEqual([expect.stringContaining('has mode 755')])
  })
})

test('a machine with an old Node, few descriptors or a lost clock is told so', () => {
  expect(examineNode('22.1.0', 24)).toMatchObject({ state: 'problem' })
  expect(examineNode('24.0.0', 24)).toMatchObject({ state: 'well' })
  const { listeners } = readOffline(folder.config)
  const process = { descriptors: () => ({ open: 10, limit: 1_024 }) }
  expect(examineDescriptors({ listeners }, process)).toMatchObject({
    state: 'warning',
    remedy: expect.stringContaining('LimitNOFILE=1200'),
  })
  const clock = fakeClock()
  expect(examineClock(clock, clock.now() + 1)).toMatchObject({ state: 'problem' })
  expect(examineClock(clock, clock.now() - 1)).toMatchObject({ state: 'well' })
})
