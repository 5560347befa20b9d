/** Allow and block lists in a started gateway: what an operator says is true at the next RCPT. */
import { expect, test } from 'vitest'
import { dialogue, eventually, gatewayFolder, runPostern, startGateway } from './started-gateway.ts'

const yaml = `
listeners: [{ name: mx, listen: '127.0.0.1:2525' }]
plugin_dirs: [../plugins]
chain:
  - plugin: lists
  - plugin: greylist
  - plugin: rcpthosts
spool: { path: ../var/spool }
store: { path: ../var/store.db }
log: { level: info, to: stderr }
`

test(
  'a rule that is added or removed holds at once, without a reload',
  { timeout: 60_000 },
  async () => {
    const folder = await gatewayFolder(yaml)
    await folder.write('control/rcpthosts', 'postern.test\n')
    const gateway = await startGateway(folder)
    const list = (...words: string[]) => runPostern(['list', ...words, '--config', folder.config])
    const rcpt = async () => {
      const replies = await dialogue(gateway.port, [
        'EHLO client.test',
        'MAIL FROM:<a@client.test>',
        'RCPT TO:<bob@postern.test>',
      ])
      return replies[3]?.slice(0, 3)
    }
    const hears = (code: string) =>
      eventually(async () => ((await rcpt()) === code ? code : undefined), `a reply ${code}`)
    try {
      expect(await rcpt()).toBe('451')
      const allow = ['allow', 'client', '127.0.0.0/8', 'for', 'bob@postern.test']
      expect((await list('add', ...allow, '--note', 'ours')).stdout).toBe(
        'allow client 127.0.0.0/8 for bob@postern.test: added\n',
      )
      await hears('250')
      expect((await list('add', 'block', 'sender', 'client.test')).code).toBe(0)
      expect(await rcpt()).toBe('250')
      expect((await list('remove', ...allow)).code).toBe(0)
      await hears('550')
      const tested = await list('test', '--sender', 'x@client.test', '--to', 'bob@postern.test')
      expect([tested.code, tested.stdout]).toEqual([
        1,
        'block: line 1: block sender @client.test\n',
      ])
      expect((await list('list')).stdout).toBe('block sender @client.test\n')
      expect((await list('add', 'block', 'sender', 'no domain')).code).toBe(2)
      expect((await list('remove', 'block', 'sender', '@CLIENT.test')).code).toBe(0)
      await hears('451')
    } finally {
      expect(await gateway.stop()).toBe(0)
      await folder.remove()
    }
  },
)
