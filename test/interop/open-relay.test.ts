/** nmap's smtp-open-relay asks in sixteen ways to have mail for others taken; judged by what leaves. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  gatewayFolder,
  runPostern,
  runProgram,
  startGateway,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'
import { component, isMissing } from '../setup/components.ts'

describe.skipIf(isMissing('nmap'))("nmap's smtp-open-relay", () => {
  let elsewhere: Server
  let called = 0
  const gateways: StartedGateway[] = []

  /** Everything that is not ours would leave to `elsewhere`. */
  async function gatewayWith(rules: string): Promise<StartedGateway> {
    const folder = await gatewayFolder()
    const { port } = elsewhere.address() as AddressInfo
    await folder.write('control/smtproutes', `:127.0.0.1:${port}\n`)
    await folder.write('tcp.smtp', rules)
    const gateway = await startGateway(folder)
    gateways.push(gateway)
    return gateway
  }

  async function scan({ port }: StartedGateway): Promise<string> {
    const { stdout } = await runProgram(component('nmap')!.path, [
      '-n',
      '-Pn',
      '-sT',
      '-v',
      '--script',
      '+smtp-open-relay',
      '-p',
      String(port),
      '127.0.0.1',
    ])
    return stdout
  }

  beforeAll(async () => {
    elsewhere = createServer((socket) => {
      called++
      socket.destroy()
    }).listen(0, '127.0.0.1')
    await once(elsewhere, 'listening')
  })

  afterAll(async () => {
    for (const gateway of gateways) {
      await gateway.stop()
      await gateway.folder.remove()
    }
    elsewhere.close()
  })

  test('finds nothing that is taken for somebody else, not even a `%` or a `!` in a local-part of ours', async () => {
    const gateway = await gatewayWith(':allow\n')
    expect(acceptedIn(await scan(gateway))).toEqual([])
    const { stdout } = await runPostern(['queue', 'list', '--config', gateway.folder.config])
    expect(stdout).toContain('0 queued')
    expect(called).toBe(0)
  })

  test('is right about it: where this host may relay it finds one', async () => {
    const gateway = await gatewayWith(':allow,RELAYCLIENT=""\n')
    expect(acceptedIn(await scan(gateway))).toContain('relaytest@nmap.scanme.org')
  })
})

/** The recipients of the combinations that were not refused. */
function acceptedIn(output: string): readonly string[] {
  return [...output.matchAll(/-> RCPT TO:<(.*)>$/gm)].flatMap(([, path]) => path ?? [])
}
