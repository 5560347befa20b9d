/** A rate in a gateway of several processes: whichever of them is asked, the limit is the same. */
import { expect, test } from 'vitest'
import { dialogue, gatewayFolder, startGateway } from './started-gateway.ts'

const yaml = `
workers: 3
listeners: [{ name: mx, listen: '127.0.0.1:2525' }]
plugin_dirs: [../plugins]
chain:
  - plugin: rcpthosts
  - plugin: rate-limit
    on_fault: defer
    options: { client: 5/d }
spool: { path: ../var/spool }
store: { path: ../var/store.db }
log: { level: info, to: stderr }
`

test('three workers together let through what a rate allows, and not one more', async () => {
  const folder = await gatewayFolder(yaml)
  await folder.write('control/rcpthosts', 'postern.test\n')
  const gateway = await startGateway(folder)
  try {
    const replies = await Promise.all(
      Array.from({ length: 20 }, () =>
        dialogue(gateway.port, [
          'EHLO client.test',
          'MAIL FROM:<a@client.test>',
          'RCPT TO:<bob@postern.test>',
        ]),
      ),
    )
    const codes = replies.map((lines) => lines[3]?.slice(0, 10) ?? '').toSorted()
    expect(codes).toEqual([
      ...Array.from({ length: 5 }, () => '250 2.1.5 '),
      ...Array.from({ length: 15 }, () => '451 4.7.28'),
    ])
  } finally {
    expect(await gateway.stop()).toBe(0)
    await folder.remove()
  }
})
