/** What is in a message, judged by a started gateway: headers, structure, attachments, with real threads for archives. */
import { zipSync } from 'fflate'
import { afterEach, describe, expect, test } from 'vitest'
import {
  delivered,
  dialogue,
  gatewayFolder,
  mailIn,
  runPostern,
  startGateway,
  type GatewayFolder,
} from './started-gateway.ts'

let folder: GatewayFolder

afterEach(() => folder.remove())

/** The sample with the header looked at too, and rules for attachments where some are given. */
async function contentFolder(rules = ''): Promise<GatewayFolder> {
  const sample = await gatewayFolder()
  const yaml = await sample.read('postern.yaml')
  const on = yaml.replace('- plugin: headers\n    mode: off\n', '- plugin: headers\n')
  const given = on.replace(/(?<=- plugin: attachments)[^\n]*\n/, `\n${rules}`)
  await sample.write('postern.yaml', given)
  return sample
}

const header =
  'From: a@client.test\r\nTo: bob@postern.test\r\nDate: Sat, 21 Nov 2026 16:00:00 +0000\r\n'

/** The last reply to one message. */
async function sent(port: number, message: string): Promise<string | undefined> {
  const replies = await dialogue(port, [
    'EHLO client.test',
    'MAIL FROM:<a@client.test>',
    'RCPT TO:<bob@postern.test>',
    'DATA',
    `${message}\r\n.`,
    'QUIT',
  ])
  return replies.at(-2)
}

function attached(name: string, content: Uint8Array): string {
  return [
    `${header}Content-Type: multipart/mixed; boundary=b`,
    '',
    '--b',
    `Content-Disposition: attachment; filename=${name}`,
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from(content).toString('base64'),
    '--b--',
  ].join('\r\n')
}

describe('a gateway that looks at the content of mail', () => {
  test('refuses, holds and lets through by what is in it', async () => {
    folder = await contentFolder()
    await folder.write('control/quarantine-events.txt', 'held.txt\t4\tHeld for a look\n')
    const gateway = await startGateway(folder)
    const { port } = gateway
    const program = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(200)])
    const zip = zipSync({ 'inner.zip': zipSync({ 'readme.txt': program }) })
    expect(await sent(port, attached('a.zip', zip))).toMatch(
      /^550 5\.7\.1 .*a\.zip > inner\.zip > readme\.txt/,
    )
    const large = Buffer.concat([program, Buffer.alloc(1_000_000, 'x')])
    expect(await sent(port, attached('large.txt', large))).toMatch(/^550 5\.7\.1 .*large\.txt/)
    expect(await sent(port, `Subject: no author\r\n\r\nx`)).toMatch(/^550 5\.6\.0 .*from missing/)
    const parts = `${header}Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(3000)}--b--`
    expect(await sent(port, parts)).toMatch(/^550 5\.6\.0 .*parts/)
    expect(await sent(port, attached('held.txt', Buffer.from('text')))).toMatch(/^250 2\.0\.0/)
    expect(
      await sent(port, attached('sent.zip', zipSync({ 'a.txt': Buffer.from('text') }))),
    ).toMatch(/^250 2\.0\.0/)
    await delivered(folder, ['bob', 'postern.test'])
    const mail = await mailIn(folder, 'postern.test', 'bob')
    expect(mail.map((each) => /filename=(\S+)/.exec(each)?.[1])).toEqual(['sent.zip'])
    expect(await gateway.stop()).toBe(0)
  })

  test('has entries for all of it in the sample', async () => {
    folder = await gatewayFolder()
    for (const command of [['headers'], ['uribl', '--untried']]) {
      const { stderr } = await runPostern(['enable', ...command, '--config', folder.config])
      expect(stderr).toBe('')
    }
    const chain = await runPostern(['chain', '--config', folder.config])
    expect([chain.code, chain.stderr]).toEqual([0, ''])
    for (const name of ['headers', 'mime-limits', 'attachments', 'uribl']) {
      expect(chain.stdout).toContain(name)
    }
  })

  test('is told by `postern check` which rule is none', async () => {
    folder = await contentFolder(
      '    options:\n      rules: [reject extension exe, reject everything]\n',
    )
    const check = await runPostern(['check', '--config', folder.config])
    expect(check.code).not.toBe(0)
    expect(check.stdout + check.stderr).toMatch(
      /postern\.yaml:\d+.*rules[\s\S]*is about everything/,
    )
  })

  test('is told by `postern check` which lines of quarantine-events.txt and simcontrol are none', async () => {
    folder = await contentFolder()
    await folder.write('control/quarantine-events.txt', 'a.exe\t0\tok\na.exe 0 no tabs\n')
    const check = await runPostern(['check', '--config', folder.config])
    expect(check.code).not.toBe(0)
    expect(check.stdout + check.stderr).toContain('quarantine-events.txt:2')
    await folder.write('control/quarantine-events.txt', '')
    await folder.write('control/simcontrol', ':clam=yes\na@b:virus=yes\nb.test:spam=maybe\n')
    const again = await runPostern(['check', '--config', folder.config])
    expect(again.code).not.toBe(0)
    const said = again.stdout + again.stderr
    expect(said).toContain('simcontrol:2')
    expect(said).toContain('virus is no option')
    expect(said).toContain('simcontrol:3')
  })
})
