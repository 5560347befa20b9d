/** Real clients, nothing that anybody here wrote, send through a started gateway into Maildirs. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  delivered,
  gatewayFolder,
  runProgram,
  startGateway,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'
import { component, isMissing } from '../setup/components.ts'

let gateway: StartedGateway

beforeAll(async () => {
  gateway = await startGateway(await gatewayFolder())
})

afterAll(async () => {
  await gateway.stop()
  await gateway.folder.remove()
})

const mailTo = (localPart: string) => delivered(gateway.folder, [localPart, 'postern.test'])

describe.skipIf(isMissing('swaks'))('swaks', () => {
  test('delivers a message with an attachment', async () => {
    const attachment = join(gateway.folder.root, 'note.bin')
    await writeFile(attachment, Buffer.from([0, 255, 13, 10, 46, 13, 10]))
    const run = await runProgram(component('swaks')!.path, [
      '--server',
      `127.0.0.1:${gateway.port}`,
      '--from',
      'alice@client.test',
      '--to',
      'swaks@postern.test',
      '--header',
      'Subject: from swaks',
      '--body',
      'a line\n.\n..two dots\n',
      '--attach',
      `@${attachment}`,
    ])
    expect(run.stdout).toContain('250 2.0.0')
    expect(run.code).toBe(0)
    const [mail = ''] = await mailTo('swaks')
    expect(mail).toContain('Subject: from swaks\n')
    expect(mail).toContain('\n.\n..two dots\n')
    expect(mail).toMatch(/^Return-Path: <alice@client\.test>\n/)
    expect(mail).not.toContain('\r')
  })

  test('sends over PIPELINING', async () => {
    const run = await runProgram(component('swaks')!.path, [
      '--server',
      `127.0.0.1:${gateway.port}`,
      '--pipeline',
      '--from',
      'alice@client.test',
      '--to',
      'pipelined@postern.test',
      '--body',
      'pipelined',
    ])
    expect(run.code).toBe(0)
    expect((await mailTo('pipelined')).join('')).toContain('pipelined\n')
  })

  test('is refused as a relay, with the reply code and the enhanced status code', async () => {
    const run = await runProgram(component('swaks')!.path, [
      '--server',
      `127.0.0.1:${gateway.port}`,
      '--from',
      'alice@client.test',
      '--to',
      'bob@elsewhere.test',
    ])
    expect(run.stdout).toMatch(/<\*\* 550 5\.7\.1 /)
    expect(run.code).toBe(24)
  })
})

describe.skipIf(isMissing('curl'))('curl', () => {
  test('delivers a message', async () => {
    const run = await runProgram(
      component('curl')!.path,
      [
        '--silent',
        '--show-error',
        `smtp://127.0.0.1:${gateway.port}/client.test`,
        '--mail-from',
        'alice@client.test',
        '--mail-rcpt',
        'curl@postern.test',
        '--upload-file',
        '-',
      ],
      { input: 'From: alice@client.test\r\nSubject: from curl\r\n\r\nhello\r\n' },
    )
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect((await mailTo('curl')).join('')).toContain('Subject: from curl\n')
  })
})

describe.skipIf(isMissing('python3'))("Python's smtplib", () => {
  test('delivers one message to several recipients, with SIZE and 8BITMIME', async () => {
    const script = `
import smtplib, sys
server = smtplib.SMTP('127.0.0.1', ${gateway.port})
server.set_debuglevel(0)
server.ehlo('client.test')
assert server.has_extn('pipelining') and server.has_extn('8bitmime') and server.has_extn('enhancedstatuscodes')
message = 'From: alice@client.test\\r\\nSubject: gr\\u00fc\\u00dfe\\r\\n\\r\\n\\u00e4\\r\\n'.encode()
refused = server.sendmail('alice@client.test', ['py1@postern.test', 'py2@postern.test', 'x@elsewhere.test'], message, mail_options=['BODY=8BITMIME'])
print(sorted(refused), [code for code, text in refused.values()])
server.quit()
`
    const run = await runProgram(component('python3')!.path, ['-c', script])
    expect(run.stderr).toBe('')
    expect(run.stdout.trim()).toBe("['x@elsewhere.test'] [550]")
    const [first = ''] = await mailTo('py1')
    expect(Buffer.from(first, 'latin1').toString('utf8')).toContain('\nä\n')
    expect(await mailTo('py2')).toHaveLength(1)
  })

  test('reads the Maildir back with the standard library', async () => {
    await mailTo('py1')
    const path = join(gateway.folder.root, 'var/mail/postern.test/py1')
    const run = await runProgram(component('python3')!.path, [
      '-c',
      `import mailbox; box = mailbox.Maildir('${path}', create=False); print(len(box), [m['Delivered-To'] for m in box])`,
    ])
    expect(run.stdout.trim()).toBe("1 ['py1@postern.test']")
  })
})

describe('nodemailer', () => {
  test('delivers many messages over one connection', async () => {
    const transport = createTransport({
      host: '127.0.0.1',
      port: gateway.port,
      pool: true,
      maxConnections: 1,
      ignoreTLS: true,
    })
    const sent = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        transport.sendMail({
          from: 'alice@client.test',
          to: 'nodemailer@postern.test',
          subject: `number ${index}`,
          text: '.\n..\nend',
        }),
      ),
    )
    transport.close()
    expect(sent.every(({ response }) => response.startsWith('250 2.0.0'))).toBe(true)
    const mail = await delivered(gateway.folder, ['nodemailer', 'postern.test'], 20)
    expect(new Set(mail.map((text) => /Subject: number (\d+)/.exec(text)?.[1])).size).toBe(20)
    expect(mail[0]).toContain('\n.\n..\nend\n')
  })
})

describe.skipIf(isMissing('netcat'))('a shell on nc', () => {
  test('delivers a message typed by hand', async () => {
    const typed = [
      'HELO client.test',
      'MAIL FROM:<alice@client.test>',
      'RCPT TO:<nc@postern.test>',
      'DATA',
      'Subject: by hand',
      '',
      'hello',
      '.',
      'QUIT',
      '',
    ].join('\r\n')
    const run = await runProgram(
      component('netcat')!.path,
      ['-N', '127.0.0.1', String(gateway.port)],
      {
        input: typed,
      },
    )
    expect(run.stdout).toMatch(
      /^220 .*\r\n250 .*\r\n250 .*\r\n250 .*\r\n354 .*\r\n250 2\.0\.0 .*\r\n221 /s,
    )
    expect((await mailTo('nc')).join('')).toContain('Subject: by hand\n')
  })
})
