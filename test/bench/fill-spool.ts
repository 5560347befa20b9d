import type { Envelope } from '../../src/mail/envelope.ts'
import { openSpool } from '../../src/queue/open-spool.ts'
import type { Queue } from '../../src/queue/queue.ts'
import { systemClock } from '../../src/runtime/node/clock.ts'
import { systemDisk } from '../../src/runtime/node/disk.ts'
import { systemRandom } from '../../src/runtime/node/random.ts'
import { recordingLog } from '../../src/testkit/recording-log.ts'

const sizeBytes = 4096
const atOnce = 200

const envelope: Envelope = {
  reversePath: { localPart: 'bench', domain: 'client.test' },
  recipients: [{ mailbox: { localPart: 'bench', domain: 'postern.test' } }],
  bodyType: '7bit',
  smtputf8: false,
  requireTls: false,
}
const message = Buffer.from(`Subject: queued\r\n\r\n${'queued '.repeat(600)}`).subarray(
  0,
  sizeBytes,
)

/** Makes a spool in which so many messages of 4 KB wait. */
export async function fillSpool(path: string, count: number): Promise<void> {
  // The clock's timers keep no process alive.
  const alive = setInterval(() => undefined, 1000)
  const queue = await openSpool({
    disk: systemDisk,
    clock: systemClock,
    random: systemRandom,
    log: recordingLog(),
    path,
  })
  let left = count
  const session = async (): Promise<void> => {
    while (left-- > 0) await put(queue)
  }
  await Promise.all(Array.from({ length: atOnce }, session))
  await queue.close()
  clearInterval(alive)
}

async function put(queue: Queue): Promise<void> {
  const draft = queue.begin()
  const written = draft.write(message)
  if (written !== undefined) await written
  await draft.end()
  await draft.commit([{ envelope, disposition: 'deliver', headerEdits: [] }])
}
