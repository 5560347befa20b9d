/** Messages that are no text, through started gateways: into a Maildir, to a next hop that takes them, to one that does not. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  delivered,
  dialogue,
  gatewayFolder,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

let taking: StartedGateway
let refusing: StartedGateway
let gateway: StartedGateway

async function binaryFolder(routes: readonly string[] = []): Promise<GatewayFolder> {
  const folder = await gatewayFolder()
  const yaml = await folder.read('postern.yaml')
  const map = routes.length === 0 ? '' : `  routes: { ${routes.join(', ')} }\n`
  await folder.write(
    'postern.yaml',
    `receiver: { binarymime: true }\n${yaml.replace('delivery:\n', `delivery:\n${map}`)}`,
  )
  await folder.write('tcp.smtp', '127.0.0.1:allow,RELAYCLIENT=""\n')
  return folder
}

/** It takes mail for one more domain. */
async function startWith(folder: GatewayFolder, domain: string): Promise<StartedGateway> {
  for (const file of ['locals', 'rcpthosts']) {
    await folder.write(`control/${file}`, `postern.test\n${domain}\n`)
  }
  return startGateway(folder)
}

beforeAll(async () => {
  taking = await startWith(await binaryFolder(), 'taking.test')
  refusing = await startWith(await gatewayFolder(), 'refusing.test')
  const routes = [`taking.test: "smtp:127.0.0.1:${taking.port}"`]
  routes.push(`refusing.test: "smtp:127.0.0.1:${refusing.port}"`)
  gateway = await startGateway(await binaryFolder(routes))
})

afterAll(async () => {
  for (const each of [gateway, taking, refusing]) {
    await each.stop()
    await each.folder.remove()
  }
})

/** A NUL, a CR and an LF alone, a dot on what is no line. */
const body = '\0\n.\n\rx\xff\r\n'
const message = `Subject: binary\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: binary\r\n\r\n${body}`

async function send(from: string, to: string): Promise<void> {
  const replies = await dialogue(gateway.port, [
    'EHLO client.test',
    `MAIL FROM:<${from}> BODY=BINARYMIME`,
    `RCPT TO:<${to}>`,
    // The dialogue ends every line, this one too, with the CRLF that ends the message.
    `BDAT ${message.length} LAST\r\n${message.slice(0, -2)}`,
    'QUIT',
  ])
  expect(replies[4]).toMatch(/^250 2\.0\.0 Ok: queued/)
}

test('a binary message comes into a Maildir, with the line ends that a Maildir has', async () => {
  await send('alice@client.test', 'bob@postern.test')
  const [mail = ''] = await delivered(gateway.folder, ['bob', 'postern.test'])
  expect(mail.endsWith(`\n\n${body.replaceAll('\r\n', '\n')}`)).toBe(true)
})

test('it goes on byte for byte to a next hop that takes it', async () => {
  await send('alice@client.test', 'bob@taking.test')
  const [mail = ''] = await delivered(taking.folder, ['bob', 'taking.test'])
  expect(mail.endsWith(`\n\n${body.replaceAll('\r\n', '\n')}`)).toBe(true)
})

test('its sender hears that a next hop does not', async () => {
  await send('carol@postern.test', 'bob@refusing.test')
  const [bounce = ''] = await delivered(gateway.folder, ['carol', 'postern.test'])
  expect(bounce).toMatch(/^Status: 5\.6\.3$/m)
})
