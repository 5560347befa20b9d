/** Mail for other domains leaves by control/smtproutes into a second SMTP server that nobody here wrote. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  delivered,
  eventually,
  gatewayFolder,
  runPostern,
  startGateway,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'
import { isMissing, postfixTool } from '../setup/components.ts'
import { freePort } from '../setup/free-port.ts'
import { greets } from '../setup/greets.ts'

describe.skipIf(isMissing('postfix'))("Postfix's smtp-sink as the next hop", () => {
  let sink: ChildProcess
  let dump: string
  let gateway: StartedGateway

  beforeAll(async () => {
    const tool = postfixTool('smtp-sink')!
    dump = await mkdtemp(join(tmpdir(), 'postern-sink-'))
    const port = await freePort()
    const user = process.getuid?.() === 0 ? ['-u', 'root'] : []
    sink = spawn(tool.path, [...user, '-R', dump, '-d', '%M.', `127.0.0.1:${port}`, '100'], {
      env: { ...process.env, ...tool.env },
      stdio: 'ignore',
    })
    const folder = await gatewayFolder()
    await folder.write('control/smtproutes', `remote.test:127.0.0.1:${port}\n`)
    await folder.write('tcp.smtp', '127.0.0.1:allow,RELAYCLIENT=""\n')
    gateway = await startGateway(folder)
    await eventually(() => greets(port), 'smtp-sink')
  })

  afterAll(async () => {
    await gateway.stop()
    sink.kill()
    await gateway.folder.remove()
    await rm(dump, { recursive: true, force: true })
  })

  test('gets the message unchanged, with both recipients in one transaction', async () => {
    const transport = createTransport({ host: '127.0.0.1', port: gateway.port, ignoreTLS: true })
    await transport.sendMail({
      from: 'alice@client.test',
      to: ['bob@remote.test', 'carol@remote.test'],
      subject: 'relayed',
      text: '.a dot first\n\nlast line',
    })
    const mail = await eventually(async () => {
      const [name] = await readdir(dump)
      if (name === undefined) return undefined
      const text = await readFile(join(dump, name), 'utf8')
      return text.includes('last line') ? text : undefined
    }, 'the message at the sink')
    expect(mail).toContain('X-Rcpt-Args: <bob@remote.test>')
    expect(mail).toContain('X-Rcpt-Args: <carol@remote.test>')
    expect(mail).toContain('\n.a dot first\n')
    await gateway.seen('delivery.delivered')
  })
})

describe.skipIf(isMissing('postfix'))('a next hop that refuses the recipient', () => {
  test('makes a bounce to the sender, with the reply in it, and nothing stays queued', async () => {
    const tool = postfixTool('smtp-sink')!
    const port = await freePort()
    const user = process.getuid?.() === 0 ? ['-u', 'root'] : []
    const sink = spawn(tool.path, [...user, '-f', 'RCPT', `127.0.0.1:${port}`, '100'], {
      env: { ...process.env, ...tool.env },
      stdio: 'ignore',
    })
    const folder = await gatewayFolder()
    await folder.write('control/smtproutes', `remote.test:127.0.0.1:${port}\n`)
    await folder.write('tcp.smtp', '127.0.0.1:allow,RELAYCLIENT=""\n')
    const gateway = await startGateway(folder)
    await eventually(() => greets(port), 'smtp-sink')
    const transport = createTransport({ host: '127.0.0.1', port: gateway.port, ignoreTLS: true })
    await transport.sendMail({ from: 'alice@postern.test', to: 'bob@remote.test', text: 'hello' })
    const [bounce = ''] = await delivered(folder, ['alice', 'postern.test'])
    expect(bounce).toMatch(/^Return-Path: <>\n/)
    expect(bounce).toContain('Content-Type: multipart/report')
    expect(bounce).toMatch(/^Final-Recipient: rfc822; ?bob@remote\.test$/m)
    expect(bounce).toMatch(/^Diagnostic-Code: smtp; 5\d\d /m)
    await gateway.stop()
    const { stdout } = await runPostern(['queue', 'list', '--config', folder.config])
    expect(stdout).toContain('0 queued')
    sink.kill()
    await folder.remove()
  })
})
