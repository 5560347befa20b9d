/** opendkim that signs what comes from this host for one domain. */
import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { component } from '../setup/components.ts'
import { freePort } from '../setup/free-port.ts'
import { daemonFolder, startDaemon } from './daemon.ts'

export interface OpenDkim {
  readonly port: number
  /** The text of its record at `s1._domainkey.<domain>`. */
  readonly record: string
  stop(): Promise<void>
}

export async function startOpenDkim(domain: string): Promise<OpenDkim> {
  const folder = await daemonFolder('opendkim')
  const at = (name: string): string => join(folder.path, name)
  const port = await freePort()
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  await writeFile(at('key'), privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 })
  const settings = [
    `Socket inet:${port}@127.0.0.1`,
    `Domain ${domain}`,
    'Selector s1',
    `KeyFile ${at('key')}`,
    'RequireSafeKeys no',
    'Mode s',
    'Canonicalization relaxed/simple',
    'Background no',
    'Syslog no',
    'InternalHosts 127.0.0.1',
  ]
  await writeFile(at('conf'), `${settings.join('\n')}\n`)
  const daemon = await startDaemon({
    path: component('opendkim')!.path,
    args: ['-f', '-x', at('conf')],
    listensOn: { port },
  })
  const der = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  return {
    port,
    record: `v=DKIM1; k=rsa; p=${der}`,
    async stop() {
      await daemon.stop()
      await folder.remove()
    },
  }
}
