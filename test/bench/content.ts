/**
 * What the content chain costs: CPU for a signed and sealed message of 20 KB, memory for one of 50 MB, and messages made to be
 * expensive. The scanners that are asked, and the name server, are played here, so that only the gateway's own work counts.
 */
import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { sealMessage } from 'mailauth/lib/arc/index.js'
import { relaxedBodyHash } from '../../plugins/shared/mailauth/body-hash.ts'
import { signHeader } from '../../plugins/shared/mailauth/sign-header.ts'
import { memoryMessage } from '../../src/testkit/memory-message.ts'
import { nameServer } from '../end-to-end/name-server.ts'
import type { Generator } from './load.ts'
import { measuredPace } from './pace.ts'
import { openSession } from './session.ts'
import { postern, type RunningPostern } from './systems.ts'

const rounds = Number(process.env['POSTERN_BENCH_ROUNDS'] ?? 3)
const messages = Number(process.env['POSTERN_BENCH_MESSAGES'] ?? 1_500)
const smallBytes = 20_480
const largeBytes = 50_000_000

/** @returns lines to print */
export async function contentFigures(generator: Generator): Promise<readonly string[]> {
  const signer = makeSigner()
  const dns = await nameServer({
    's._domainkey.signed.test': { TXT: [signer.record] },
    '_dmarc.signed.test': { TXT: ['v=DMARC1; p=reject'] },
  })
  const scanners = [await fakeClamd(), await fakeSpamd()]
  const [clamd = 0, spamd = 0] = scanners.map((each) => (each.address() as AddressInfo).port)
  const running: RunningPostern[] = []
  try {
    const settings = `dns: { servers: ['127.0.0.1:${dns.port}'] }`
    const options = { maxMessage: '60MB', settings }
    running.push(await postern('without the content chain', true, options))
    running.push(await postern('with it', true, { ...options, chain: contentChain(clamd, spamd) }))
    const small = await signer.sealed(smallBytes)
    for (const system of running) await send(system, small, 40)
    const large = await signer.sealed(largeBytes)
    const grown: number[] = []
    for (const system of running) grown.push(await growthOf(system, large))
    const cpu = await cpuOf(running, small)
    const { slowness, words } = await measuredPace(generator, 20_000)
    const [plain = 0, whole = 0] = cpu
    const above = whole - plain
    const [plainGrown = 0, wholeGrown = 0] = grown.map((bytes) => bytes / 2 ** 20)
    return [
      '### the content chain: headers, structure, DKIM, ARC, DMARC, attachments, clamd, spamd',
      '',
      '| | without | with | |',
      '|---|---|---|---|',
      `| CPU for a message of 20 KB, ms | ${plain.toFixed(2)} | ${whole.toFixed(2)} | ${above.toFixed(2)} above, ${(above / slowness).toFixed(2)} there; aim: at most 3 |`,
      `| peak memory above before, one message of 50 MB, MB | ${plainGrown.toFixed(0)} | ${wholeGrown.toFixed(0)} | aim: below 100 |`,
      '',
      words,
      '',
      'messages made to be expensive, from the last byte to the verdict; aim: at most 1 s and 100 MB each',
      '',
      hostileMime(),
      '',
    ]
  } finally {
    for (const system of running) await system.stop()
    for (const server of scanners) server.close()
    dns.close()
  }
}

const contentChain = (clamd: number, spamd: number): string => `
  - { plugin: headers, first: true }
  - { plugin: mime-limits, first: true }
  - plugin: dkim
  - plugin: arc
  - plugin: dmarc
  - plugin: authentication-results
    options: { iprev: false }
  - plugin: attachments
  - plugin: clamav
    options: { servers: ['127.0.0.1:${clamd}'], max_size: 60MB }
  - plugin: spamassassin
    options: { servers: ['127.0.0.1:${spamd}'] }
`

interface Signer {
  /** Of its key, for the name server. */
  readonly record: string
  /** A message of about so many bytes with a text and an attachment, signed and sealed, with CRLF. */
  sealed(sizeBytes: number): Promise<readonly string[]>
}

function makeSigner(): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const p = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  return {
    record: `v=DKIM1; k=rsa; p=${p}`,
    async sealed(sizeBytes) {
      const message = memoryMessage(mailOf(sizeBytes))
      const value = await signHeader(
        { domain: 'signed.test', selector: 's', key: privateKey },
        {
          header: message.bytes.subarray(0, message.bodyOffset),
          bodyHash: await relaxedBodyHash(message, new AbortController().signal),
          fields: ['From', 'To', 'Date', 'Subject', 'Message-ID', 'MIME-Version', 'Content-Type'],
          sealed: ['From'],
          signedAt: 1_700_000_000,
        },
      )
      const signed = Buffer.concat([Buffer.from(`DKIM-Signature: ${value}\r\n`), message.bytes])
      const seal = await sealMessage(signed, {
        signingDomain: 'signed.test',
        selector: 's',
        privateKey: key,
        authResults: 'signed.test; dkim=pass header.d=signed.test',
        cv: 'none',
      })
      return Buffer.concat([seal, signed]).toString('latin1').split('\r\n')
    },
  }
}

function mailOf(sizeBytes: number): Buffer {
  const attached = Buffer.alloc(Math.floor(sizeBytes * 0.36), 'some bytes of a picture')
  const text = 'A line of text as people write it, with a few words in it.\r\n'
  const head = [
    'From: Alice <alice@signed.test>',
    'To: Bench <bench@postern.test>',
    'Date: Sat, 21 Nov 2026 16:00:00 +0000',
    'Message-ID: <1@signed.test>',
    'Subject: what the content chain costs',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    text.repeat(Math.ceil((sizeBytes * 0.5) / text.length)),
    '--b',
    'Content-Type: image/png; name=picture.png',
    'Content-Transfer-Encoding: base64',
    '',
    attached.toString('base64').replaceAll(/.{76}/g, '$&\r\n'),
    '--b--',
    '',
  ]
  return Buffer.from(head.join('\r\n'))
}

/** Milliseconds for each message: the median of some rounds, everybody in turn, after a warm-up. */
async function cpuOf(
  running: readonly RunningPostern[],
  lines: readonly string[],
): Promise<readonly number[]> {
  const found = new Map(running.map((system) => [system, [] as number[]]))
  for (const system of running) await send(system, lines, messages)
  for (let round = 0; round < rounds; round++) {
    for (const [system, figures] of found) {
      const before = system.cpuSeconds()
      await send(system, lines, messages)
      figures.push(((system.cpuSeconds() - before) * 1000) / messages)
    }
  }
  return [...found.values()].map(median)
}

/** Bytes that the peak grew by one message above what was in memory before it. */
async function growthOf(system: RunningPostern, lines: readonly string[]): Promise<number> {
  const before = system.residentBytes()
  await send(system, lines, 1)
  return Math.max(0, system.peakBytes() - before)
}

const sessions = 4

/** @throws Error where one of them is not taken */
async function send(
  system: RunningPostern,
  lines: readonly string[],
  count: number,
): Promise<void> {
  const each = Math.ceil(count / sessions)
  const one = async (): Promise<void> => {
    const session = await openSession(system.port, false)
    for (let n = 0; n < each; n++) {
      if (!(await session.mail(lines))) throw new Error(`${system.name} refused a message`)
    }
    session.destroy()
  }
  await Promise.all(Array.from({ length: count < sessions ? 1 : sessions }, one))
}

/** Finds nothing, as soon as all has come. */
function fakeClamd(): Promise<Server> {
  return listening((socket) => {
    let last = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      last = Buffer.concat([last, Buffer.from(chunk)]).subarray(-64)
      if (last.includes('PING')) socket.end('PONG\0')
      else if (last.includes('VERSION')) socket.end('ClamAV 1.4.3/1/Sat Nov 21 16:00:00 2026\0')
      else if (last.subarray(-4).equals(Buffer.alloc(4))) socket.end('stream: OK\0')
    })
  })
}

/** Calls everything ham, as soon as all has come. */
function fakeSpamd(): Promise<Server> {
  return listening((socket) => {
    let head = ''
    let wanted = Infinity
    let came = 0
    socket.on('data', (chunk) => {
      came += chunk.length
      if (wanted === Infinity) {
        head += chunk.toString('latin1')
        if (head.startsWith('PING')) return void socket.end('SPAMD/1.5 0 PONG\r\n')
        const end = head.indexOf('\r\n\r\n')
        const length = /^Content-length: *(\d+)/im.exec(head)?.[1]
        if (end > 0) wanted = end + 4 + Number(length ?? 0)
      }
      if (came >= wanted) {
        const body = 'BAYES_00,HTML_MESSAGE'
        socket.end(
          `SPAMD/1.1 0 EX_OK\r\nContent-length: ${body.length}\r\nSpam: False ; 0.1 / 5.0\r\n\r\n${body}`,
        )
      }
    })
  })
}

async function listening(serve: (socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** Each in a process of its own. */
function hostileMime(): string {
  const program = fileURLToPath(new URL('hostile-mime.ts', import.meta.url))
  return execFileSync(process.execPath, ['--conditions=source', program], {
    encoding: 'utf8',
  }).trimEnd()
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
