/**
 * Mail authentication through two started gateways and a name server on loopback: one signs and relays, the other verifies
 * and delivers. What a signature covers must come out as it went in, whichever way it goes.
 */
import { createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { relaxedBodyHash } from '../../plugins/shared/mailauth/body-hash.ts'
import { signHeader } from '../../plugins/shared/mailauth/sign-header.ts'
import { memoryMessage } from '../../src/testkit/memory-message.ts'
import { nameServer, type NameServer, type ServedName } from './name-server.ts'
import {
  delivered,
  dialogue,
  gatewayFolder,
  runPostern,
  runProgram,
  checkout,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

const common = `
listeners: [{ name: mx, listen: '127.0.0.1:2525', tls: off }]
plugin_dirs: [../plugins]
delivery: { maildirs: ../var/mail }
spool: { path: ../var/spool }
store: { path: ../var/store.db }
log: { level: info, to: stderr }
`

const signing = `${common}
chain:
  - plugin: relay-clients
    options: { networks: [127.0.0.0/8] }
  - plugin: dkim-sign
`

const verifying = (port: number) => `${common}
dns: { servers: ['127.0.0.1:${port}'] }
chain:
  - plugin: rcpthosts
  - plugin: dkim
  - plugin: arc
  - plugin: dmarc
  - plugin: authentication-results
    options: { iprev: false }
`

const zones: Record<string, ServedName> = {
  '_dmarc.signed.test': { TXT: ['v=DMARC1; p=reject'] },
}
let dns: NameServer
let outside: GatewayFolder
let inside: GatewayFolder
let signer: StartedGateway
let verifier: StartedGateway
const seen = new Set<string>()

beforeAll(async () => {
  outside = await gatewayFolder(signing)
  for (const type of ['rsa', 'ed25519']) {
    const args = ['dkim', 'new', 'signed.test', '--type', type, '--config', outside.config]
    const { stdout } = await runPostern(args)
    const [, name = ''] = /^(\S+)\. IN TXT/.exec(stdout) ?? []
    zones[name] = { TXT: [[...stdout.matchAll(/"([^"]*)"/g)].map(([, text]) => text).join('')] }
  }
  dns = await nameServer(zones)
  inside = await gatewayFolder(verifying(dns.port))
  verifier = await startGateway(inside)
  await outside.write('control/me', 'signed.test\n')
  await outside.write('control/locals', 'signed.test\n')
  await outside.write('control/rcpthosts', 'signed.test\n')
  await outside.write('control/smtproutes', `:127.0.0.1:${verifier.port}\n`)
  signer = await startGateway(outside)
}, 180_000)

afterAll(async () => {
  await signer.stop()
  await verifier.stop()
  dns.close()
  await outside.remove()
  await inside.remove()
})

/** The mail for bob that was not there before. */
async function nextMail(): Promise<string> {
  const all = await delivered(inside, ['bob', 'postern.test'], seen.size + 1)
  const mail = all.find((each) => !seen.has(each)) ?? ''
  seen.add(mail)
  return mail
}

const results = (mail: string): string =>
  /^Authentication-Results: [^]*?\n(?=\S)/m.exec(mail)?.[0].replace(/\n\t/g, ' ') ?? ''

const send = (port: number, message: string) =>
  dialogue(port, [
    'EHLO client.test',
    'MAIL FROM:<alice@signed.test>',
    'RCPT TO:<bob@postern.test>',
    'DATA',
    `${message}\r\n.`,
  ])

const text =
  'From: Alice <alice@signed.test>\r\nTo: bob@postern.test\r\nSubject: signed\r\n\r\nHello  there \r\n..\r\n\r\n'

async function signedBefore(): Promise<string> {
  const message = memoryMessage(text.replace('\r\n..', '\r\n.'))
  const key = createPrivateKey(await readFile(join(outside.config, 'dkim/signed.test/ed25519')))
  const value = await signHeader(
    { domain: 'signed.test', selector: 'ed25519', key },
    {
      header: message.bytes.subarray(0, message.bodyOffset),
      bodyHash: await relaxedBodyHash(message, new AbortController().signal),
      fields: ['From', 'To', 'Subject'],
      sealed: ['From'],
      signedAt: 1_700_000_000,
    },
  )
  return `DKIM-Signature: ${value}\r\n${text}`
}

describe('mail of a domain that signs and wants all else rejected', () => {
  test('is signed by both keys on its way out, and verified on its way in', async () => {
    expect((await send(signer.port, text)).at(-1)).toMatch(/^250 /)
    const found = results(await nextMail())
    expect(found).toMatch(/dkim=pass header\.d=signed\.test header\.s=default header\.a=rsa-sha256/)
    expect(found).toMatch(/dkim=pass .*header\.s=ed25519 header\.a=ed25519-sha256/)
    expect(found).toMatch(/dmarc=pass header\.from=signed\.test policy\.dmarc=reject/)
  })

  test('has its bounces signed, too', async () => {
    const failing = ['EHLO client.test', 'MAIL FROM:<bob@postern.test>', 'RCPT TO:<x@nowhere.test>']
    const said = await dialogue(signer.port, [...failing, 'DATA', `${text}\r\n.`])
    expect(said.at(-1)).toMatch(/^250 /)
    const bounce = await nextMail()
    expect(bounce).toMatch(/^Subject: failure notice$/m)
    expect(results(bounce)).toMatch(
      /dkim=pass .*header\.s=ed25519 .*dmarc=pass header\.from=signed\.test/,
    )
  })

  test('is rejected where nothing proves it, with the domain’s name', async () => {
    expect((await send(verifier.port, text)).at(-1)).toBe(
      '550 5.7.1 Rejected by the DMARC policy of signed.test',
    )
  })

  test('holds its signature from SMTP to a Maildir', async () => {
    expect((await send(verifier.port, await signedBefore())).at(-1)).toMatch(/^250 /)
    expect(results(await nextMail())).toMatch(/dkim=pass .*dmarc=pass/)
  })

  test('holds it from qmail-queue by SMTP to a Maildir', async () => {
    const message = (await signedBefore()).replace('\r\n..', '\r\n.').replaceAll('\r\n', '\n')
    await outside.write('message', message)
    await outside.write('envelope', 'Falice@signed.test\0Tbob@postern.test\0\0')
    const command = `'${checkout}/bin/postern' qmail-queue --config '${outside.config}' <'${outside.config}/message' 1<'${outside.config}/envelope'`
    expect(await runProgram('/bin/sh', ['-c', command])).toMatchObject({ code: 0 })
    expect(results(await nextMail())).toMatch(/dkim=pass .*dmarc=pass/)
  })

  test('gets it where postern send sends it', async () => {
    const args = ['send', '--server', `127.0.0.1:${signer.port}`, '--to', 'bob@postern.test']
    const from = ['--from', 'alice@signed.test']
    expect(await runPostern([...args, ...from])).toMatchObject({ code: 0 })
    expect(results(await nextMail())).toMatch(/dkim=pass .*dmarc=pass/)
  })

  test('results that a stranger wrote in our name are gone, and ours stand there', async () => {
    const forged = `Authentication-Results: postern.test; dmarc=pass header.from=bank.test\r\nFrom: eve@nobody.test\r\n\r\nx`
    expect((await send(verifier.port, forged)).at(-1)).toMatch(/^250 /)
    const mail = await nextMail()
    expect(mail).not.toContain('bank.test')
    expect(results(mail)).toMatch(/dkim=none; dmarc=none header\.from=nobody\.test/)
  })
})
