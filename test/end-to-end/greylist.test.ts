/** The greylist of a started gateway, looked at and changed beside it; and taken over from jgreylist. */
import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { dialogue, gatewayFolder, runPostern, startGateway } from './started-gateway.ts'

const yaml = `
listeners: [{ name: mx, listen: '127.0.0.1:2525' }]
plugin_dirs: [../plugins]
chain:
  - plugin: rcpthosts
  - plugin: greylist
    unless: {}
spool: { path: ../var/spool }
store: { path: ../var/store.db }
log: { level: info, to: stderr }
`

test(
  'an operator sees who waits, lets in, forgets, and takes over what jgreylist knew',
  { timeout: 60_000 },
  async () => {
    const folder = await gatewayFolder(yaml)
    await folder.write('control/rcpthosts', 'postern.test\n')
    const gateway = await startGateway(folder)
    const greylist = async (...words: string[]) => {
      const { stdout } = await runPostern(['greylist', ...words, '--config', folder.config])
      return stdout.replaceAll(/\d{4}-\S+Z/g, 'TIME')
    }
    const rcpt = async () => {
      const replies = await dialogue(gateway.port, [
        'EHLO client.test',
        'MAIL FROM:<a@client.test>',
        'RCPT TO:<bob@postern.test>',
      ])
      return replies[3]?.slice(0, 3)
    }
    try {
      expect(await rcpt()).toBe('451')
      expect(await greylist('list', '127.0.0.1')).toBe(
        '127.0.0.0/24 <a@client.test> bob@postern.test  TIME  TIME  0\n',
      )
      expect(await greylist('allow', '127.0.0.1')).toBe('127.0.0.0/24 is allowed\n')
      // That it is unknown is believed for a second.
      await expect.poll(rcpt).toBe('250')
      expect(await greylist('list', '--limit', '1')).toBe('127.0.0.0/24  TIME  TIME  allowed\n')
      expect(await greylist('forget', '127.0.0.0/24')).toBe('127.0.0.0/24: 2 entries forgotten\n')
      expect(await greylist('list')).toBe('')
      const nobody = await runPostern(['greylist', 'allow', 'a..b', '--config', folder.config])
      expect(nobody.code).toBe(2)

      const jgreylist = join(folder.root, 'jgreylist')
      await mkdir(join(jgreylist, '192/000/002'), { recursive: true })
      await mkdir(join(jgreylist, '198/051'), { recursive: true })
      const now = Date.now() / 1000
      await writeFile(join(jgreylist, '198/051/100'), '')
      await utimes(join(jgreylist, '198/051/100'), now, now - 3600)
      await writeFile(join(jgreylist, '192/000/002/007'), '')
      await utimes(join(jgreylist, '192/000/002/007'), now - 50, now - 50)
      await writeFile(join(jgreylist, '198/051/999'), '')
      await writeFile(join(jgreylist, '198/051/101'), '')
      await utimes(join(jgreylist, '198/051/101'), 1, 1)
      expect(await greylist('import', jgreylist)).toBe('2 entries taken, 2 left out\n')
      expect(await greylist('list')).toBe(
        '198.51.100.0/24  TIME  TIME  1000\n192.0.2.7/32  TIME  TIME  0\n',
      )
    } finally {
      expect(await gateway.stop()).toBe(0)
      await folder.remove()
    }
  },
)
