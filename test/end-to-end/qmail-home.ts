/**
 * A home with a .qmail file whose lines run as qmail-local runs them: by /bin/sh, in that home, the message on a file that can
 * be read anew, what they send on caught by a queue that keeps it.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { latin1 } from '../../src/formats/octets.ts'
import { deliverAsCalled } from '../../src/tools/local.ts'
import { checkout } from './started-gateway.ts'

export interface LineDelivery {
  readonly rc: number
  /** What was written to either stream, without the numbers of processes. */
  readonly report: string
}

export interface QmailHome {
  readonly path: string
  /** Delivers to joe-ext@postern.test, whose file has these lines, or to another extension. */
  deliver(
    lines: string,
    message?: string,
    sender?: string,
    extension?: string,
  ): Promise<LineDelivery>
  /** What a file holds now. `queued` and `envelopes` are what was sent on. */
  left(name: string): string
  queueThatExits(exit: number): void
  remove(): void
}

export const greeting = 'From: alice@client.test\nSubject: hi\n\nline\n'

export function qmailHome(): QmailHome {
  const path = mkdtempSync(join(tmpdir(), 'postern-tools-'))
  chmodSync(path, 0o755)
  const queueThatExits = (exit: number): void => {
    const script = `#!/bin/sh\ncat >>'${path}/queued'\ncat <&1 >>'${path}/envelopes'\nexit ${exit}\n`
    writeFileSync(join(path, 'queue.sh'), script, { mode: 0o755 })
  }
  queueThatExits(0)
  return {
    path,
    async deliver(lines, message = greeting, sender = 'alice@client.test', extension = 'ext') {
      writeFileSync(join(path, '.qmail-ext'), lines)
      let report = ''
      const note = (bytes: Uint8Array): void => {
        report += latin1(bytes)
      }
      const rc = await deliverAsCalled(
        callFor({ home: path, extension, sender }, message),
        { out: note, err: note },
        new AbortController().signal,
      )
      return { rc, report: report.replace(/qp \d+/g, 'qp N') }
    },
    left: (name) => readFileSync(join(path, name), 'latin1'),
    queueThatExits,
    remove: () => rmSync(path, { recursive: true }),
  }
}

function callFor(
  { home, extension, sender }: { readonly [N in 'home' | 'extension' | 'sender']: string },
  message: string,
): Parameters<typeof deliverAsCalled>[0] {
  return {
    address: {
      user: 'joe',
      home,
      local: `joe-${extension}`,
      dash: '-',
      extension,
      host: 'postern.test',
      sender,
    },
    defaultDelivery: './Mailbox',
    message: Buffer.from(message, 'latin1'),
    environment: new Map([
      ['PATH', `${join(checkout, 'bin')}:/usr/bin:/bin`],
      ['QMAILQUEUE', join(home, 'queue.sh')],
      ['POSTERN_CONFIG', home],
    ]),
    queueProgram: ['/nowhere'],
    hostname: 'host.example',
    pid: process.pid,
    dryRun: false,
  }
}
