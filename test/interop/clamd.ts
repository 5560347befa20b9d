/** clamd with two signatures of our own, on a UNIX socket and a port. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { component } from '../setup/components.ts'
import { freePort } from '../setup/free-port.ts'
import { daemonFolder, startDaemon } from './daemon.ts'

export interface Clamd {
  readonly socket: string
  readonly port: number
  stop(): Promise<void>
}

/** In two halves, so that no scanner takes this file for what it is about. */
export const eicar = `X5O!P%@AP[4\\PZX54(P^)7CC)7}$${'EICAR-STANDARD-ANTIVIRUS'}-TEST-FILE!$H+H*`

export const streamMaxBytes = 1_048_576

export async function startClamd(): Promise<Clamd> {
  const folder = await daemonFolder('clamd')
  const at = (name: string): string => join(folder.path, name)
  const port = await freePort()
  await mkdir(at('db'))
  await mkdir(at('tmp'))
  const hex = Buffer.from(eicar.slice(28), 'latin1').toString('hex')
  await writeFile(at('db/test.ndb'), `Postern.Test.EICAR:0:*:${hex}\n`)
  await writeFile(
    at('clamd.conf'),
    [
      'Foreground yes',
      `LocalSocket ${at('clamd.sock')}`,
      `TCPSocket ${port}`,
      'TCPAddr 127.0.0.1',
      `DatabaseDirectory ${at('db')}`,
      `TemporaryDirectory ${at('tmp')}`,
      `StreamMaxLength ${streamMaxBytes}`,
      'MaxThreads 4',
      'OfficialDatabaseOnly no',
      'SelfCheck 0',
      '',
    ].join('\n'),
  )
  const daemon = await startDaemon({
    path: component('clamd')!.path,
    args: ['-c', at('clamd.conf')],
    listensOn: { port },
  })
  return {
    socket: at('clamd.sock'),
    port,
    async stop() {
      await daemon.stop()
      await folder.remove()
    },
  }
}
