/** What a listener with `record` keeps of its sessions, and that it can be played again. */
import { existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import {
  dialogue,
  eventually,
  gatewayFolder,
  runPostern,
  runProgram,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

let folder: GatewayFolder
let gateway: StartedGateway | undefined
afterEach(async () => {
  await gateway?.stop()
  gateway = undefined
  await folder.remove()
})

async function recordingFolder(record: string): Promise<GatewayFolder> {
  const made = await gatewayFolder()
  const yaml = await made.read('postern.yaml')
  const listen = '    listen: 127.0.0.1:0\n'
  await made.write('postern.yaml', yaml.replace(listen, `${listen}    record: ${record}\n`))
  return made
}

async function kept(count: number, at = 'var/dialogues'): Promise<readonly string[]> {
  const path = join(folder.root, at)
  return eventually(async () => {
    const names = (await readdir(path).catch((): string[] => [])).toSorted()
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(path, name))).size))
    return names.length === count && sizes.every((size) => size > 0)
      ? names.map((name) => join(path, name))
      : undefined
  }, `${count} dialogues`)
}

const swaks = ['/usr/bin/swaks', '/usr/local/bin/swaks'].find((path) => existsSync(path))

describe('recorded dialogues', () => {
  test.skipIf(swaks === undefined)(
    'a session of swaks, with TLS, gets the same replies when it is played again',
    { timeout: 60_000 },
    async () => {
      folder = await recordingFolder('true')
      gateway = await startGateway(folder)
      const server = `127.0.0.1:${gateway.port}`
      const run = await runProgram(swaks ?? '', [
        '--server',
        server,
        '--to',
        'bob@postern.test,x@elsewhere.test',
        '--from',
        'a@client.test',
        '--helo',
        'client.test',
        '--tls',
        '--body',
        'A line.\n.\nAnother \\ line.\n',
      ])
      expect(run.stdout).toContain('queued as')
      const [path = ''] = await kept(1)
      const text = await readFile(path, 'latin1')
      expect(text).toMatch(/^S: 220 .*\n(?:# .*\n)*TLS$/m)
      expect(text).toMatch(/^S: 550 5\.7\.1 /m)
      expect(text).toContain('C: Another \\\\ line.')
      expect((await stat(path)).mode & 0o777).toBe(0o600)
      const again = await runPostern(['replay-dialogue', path, '--server', server])
      expect(again).toMatchObject({ code: 0, stdout: '', stderr: '' })

      await folder.write('control/rcpthosts', 'nobody.test\n')
      await gateway.seen('config.reloaded')
      const changed = await runPostern(['replay-dialogue', path, '--server', server, '--json'])
      expect(changed.code).toBe(1)
      expect(changed.stdout).toContain('"expected": "250 2.1.5')
    },
  )

  test(
    'no secret of a login is ever on the disk, played it cannot be',
    { timeout: 60_000 },
    async () => {
      folder = await recordingFolder('{ to: ../var/seen, bodies: false, files: 2 }')
      gateway = await startGateway(folder)
      const secret = Buffer.from('\0joe\0open sesame').toString('base64')
      const says = [
        ['EHLO c', `AUTH PLAIN ${secret}`, 'QUIT'],
        ['EHLO c', 'AUTH LOGIN', secret, secret, 'QUIT'],
        ['EHLO c', secret, 'QUIT'],
      ]
      for (const commands of says) await dialogue(gateway.port, commands)
      await gateway.stop()
      const paths = await kept(2, 'var/seen')
      for (const path of paths) {
        const text = await readFile(path, 'latin1')
        expect(text).not.toContain(secret)
        expect(text).toContain('***')
      }
      const played = await runPostern([
        'replay-dialogue',
        paths[0] ?? '',
        '--server',
        '127.0.0.1:1',
      ])
      expect(played.code).toBe(1)
      expect(played.stderr).toContain('holds a secret that was not kept')
    },
  )
})
