/** Mail by QMTP and QMQP into a started gateway; QMQP also from a client that nobody here wrote. */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isMissing, postfixTool } from '../setup/components.ts'
import {
  delivered,
  dialogue,
  gatewayFolder,
  runProgram,
  startGateway,
  type StartedGateway,
} from './started-gateway.ts'

let gateway: StartedGateway

const netstring = (text: string) => `${Buffer.byteLength(text)}:${text},`
const list = (...texts: readonly string[]) => texts.map(netstring).join('')

beforeAll(async () => {
  const folder = await gatewayFolder(`
listeners:
  - { name: mx, listen: '127.0.0.1:2525' }
  - { name: qmtp, role: qmtp, listen: '127.0.0.1:0' }
  - { name: qmqp, role: qmqp, listen: '127.0.0.1:0', receiver: { qmqp_clients: [127.0.0.1] } }
  - { name: strict, role: qmqp, listen: '127.0.0.1:0' }
plugin_dirs: [../plugins]
chain:
  - plugin: relay-clients
  - plugin: rcpthosts
delivery: { maildirs: ../var/mail }
accounts: { path: ../var/accounts.db }
spool: { path: ../var/spool }
store: { path: ../var/store.db }
`)
  await folder.write('tcp.smtp', '127.0.0.9:allow,RELAYCLIENT=""\n:allow\n')
  gateway = await startGateway(folder)
})

afterAll(async () => {
  await gateway.stop()
  await gateway.folder.remove()
})

/** Sends all of it, says that nothing follows, and hears what is answered until the connection ends. */
async function answersTo(port: number, bytes: string, localAddress = '127.0.0.1'): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  socket.end(bytes, 'latin1')
  let heard = ''
  for await (const chunk of socket.setEncoding('latin1')) heard += String(chunk)
  return heard
}

test('QMTP brings several messages, and each recipient hears of its own', async () => {
  const one = list('\nSubject: one\n\nby QMTP\n', 'a@client.test', list('qmtp@postern.test'))
  const rcpts = list('qmtp@postern.test', 'bob@far.test')
  const two = list('\rSubject: two\r\n\r\nby QMTP\r\n', '', rcpts)
  const heard = await answersTo(gateway.portOf('qmtp'), one + two)
  expect(heard).toMatch(
    /^\d+:KOk: queued as \S+,\d+:KOk: queued as \S+,\d+:DRelaying denied \(#5\.7\.1\),$/,
  )
  const mail = await delivered(gateway.folder, ['qmtp', 'postern.test'], 2)
  expect(mail.map((each) => /^Subject: (.*)/m.exec(each)?.[1])).toEqual(['one', 'two'])
  expect(mail[0]).toMatch(
    /^Received: from unknown .* with QMTP id \S+\n for <qmtp@postern\.test>;/ms,
  )
  expect(mail[1]).toMatch(/^Return-Path: <>$/m)
})

test('a rule of tcp.smtp lets its clients relay by QMTP, and hand over by QMQP', async () => {
  const packet = list('\nSubject: out\n\nx\n', 'a@client.test', list('bob@far.test'))
  expect(await answersTo(gateway.portOf('qmtp'), packet, '127.0.0.9')).toMatch(/^\d+:KOk/)
  const whole = netstring(list('Subject: out\n\nx\n', 'a@client.test', 'bob@far.test'))
  expect(await answersTo(gateway.portOf('strict'), whole, '127.0.0.9')).toMatch(/^\d+:KOk/)
  expect(await answersTo(gateway.portOf('strict'), whole)).toBe('')
})

test('control/qmtproutes sends mail to another gateway by QMTP, and its refusal comes back', async () => {
  const folder = await gatewayFolder(`
listeners: [{ name: mx, listen: '127.0.0.1:2525' }]
plugin_dirs: [../plugins]
chain:
  - plugin: relay-clients
    options: { networks: [127.0.0.1] }
delivery: { maildirs: ../var/mail }
accounts: { path: ../var/accounts.db }
spool: { path: ../var/spool }
store: { path: ../var/store.db }
`)
  const route = `127.0.0.1:${gateway.portOf('qmtp')}`
  await folder.write('control/qmtproutes', `postern.test:${route}\nfar.test:${route}\n`)
  await folder.write('control/me', 'mx.sender.test\n')
  await folder.write('control/locals', 'sender.test\n')
  const sender = await startGateway(folder)
  try {
    const replies = await dialogue(sender.port, [
      'EHLO client.test',
      'MAIL FROM:<a@sender.test>',
      'RCPT TO:<routed@postern.test>',
      'RCPT TO:<bob@far.test>',
      'DATA',
      'Subject: routed\r\n\r\n..dot\r\n.',
      'QUIT',
    ])
    expect(replies.at(-2)).toMatch(/^250 2\.0\.0 Ok/)
    const [mail] = await delivered(gateway.folder, ['routed', 'postern.test'])
    expect(mail).toMatch(/ by \S+ with QMTP id /)
    expect(mail).toMatch(/\n\.dot\n$/)
    const [bounce] = await delivered(folder, ['a', 'sender.test'])
    expect(bounce).toMatch(/Relaying denied \(#5\.7\.1\)/)
  } finally {
    await sender.stop()
    await folder.remove()
  }
})

describe.skipIf(isMissing('postfix'))("Postfix's qmqp-source", () => {
  test('hands over many messages by QMQP, each in a session of its own', async () => {
    const tool = postfixTool('qmqp-source')!
    const options = ['-m', '20', '-s', '4', '-f', 'a@client.test', '-t']
    const run = await runProgram(
      tool.path,
      [...options, 'source@postern.test', `127.0.0.1:${gateway.portOf('qmqp')}`],
      { env: tool.env },
    )
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(await delivered(gateway.folder, ['source', 'postern.test'], 20)).toHaveLength(20)
  })
})
