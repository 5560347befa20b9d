/** An entry is tried as a shadow under a started gateway, looked at, and put in force. */
import { expect, test } from 'vitest'
import { dialogue, gatewayFolder, runPostern, startGateway } from './started-gateway.ts'

const yaml = `
listeners: [{ name: mx, listen: '127.0.0.1:2525' }]
plugin_dirs: [../plugins]
chain:
  - plugin: rcpthosts
  - plugin: badhelo # who greets with a name of ours
    mode: shadow # since Monday
spool: { path: ../var/spool }
store: { path: ../var/store.db }
`

test(
  'an operator sees what a shadow would have done, puts it in force, and the file keeps its comments',
  { timeout: 60_000 },
  async () => {
    const folder = await gatewayFolder(yaml)
    await folder.write('control/rcpthosts', 'postern.test\n')
    await folder.write('control/badhelo', '^bad\\.test$\n')
    const before = await folder.read('postern.yaml')
    const gateway = await startGateway(folder)
    const run = (...args: readonly string[]) => runPostern([...args, '--config', folder.config])
    const rcpt = async (hello: string) => {
      const to = ['MAIL FROM:<a@client.test>', 'RCPT TO:<bob@postern.test>', 'QUIT']
      const replies = await dialogue(gateway.port, [`EHLO ${hello}`, ...to])
      return replies.at(-2)
    }
    try {
      expect(await rcpt('bad.test')).toMatch(/^250 /)
      expect(await rcpt('good.test')).toMatch(/^250 /)
      const { stdout } = await run('shadow', '--since', '1h')
      expect(stdout).toContain('2 transactions since')
      expect(stdout).toContain('badhelo: asked 2, would have acted 1')
      const { entries } = JSON.parse((await run('shadow', '--json')).stdout) as {
        readonly entries: readonly object[]
      }
      expect(entries).toMatchObject([
        { entry: 'badhelo', reasons: [{ would: 'reject', count: 1 }] },
      ])
      expect(await run('shadow', '--since', 'yesterday')).toMatchObject({ code: 2 })

      const tried = await run('shadow', 'promote', 'badhelo', '--dry-run')
      expect(tried).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('nothing was changed'),
      })
      expect(tried.stdout).toContain('+    mode: enforce # since Monday')
      expect(await folder.read('postern.yaml')).toBe(before)

      expect(await run('shadow', 'promote', 'badhelo')).toMatchObject({ code: 0 })
      expect(await folder.read('postern.yaml')).toBe(
        before.replace('mode: shadow', 'mode: enforce'),
      )
      await gateway.seen('config.reloaded')
      expect(await rcpt('bad.test')).toMatch(/^5\d\d /)
      expect(await run('shadow', 'promote', 'badhelo')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('badhelo is enforce, not shadow'),
      })
    } finally {
      expect(await gateway.stop()).toBe(0)
      await folder.remove()
    }
  },
)
