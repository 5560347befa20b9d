/** AUTH against clients that say anything at all. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { scramKeys } from '../mail/login-secret.ts'
import { scriptedPolicy } from '../testkit/scripted-policy.ts'
import { settled, smtpStage, type StageClient } from '../testkit/smtp-stage.ts'

const all = ['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-256'] as const
const keys = await scramKeys('pencil', { salt: Buffer.from('salt'), iterations: 4_096 })

async function greeted(settings = {}) {
  const policy = scriptedPolicy(
    { secretFor: () => ({ ruling: 'secret', keys }) },
    {
      mechanisms: all,
      authWithoutTls: true,
      maxErrors: 1_000,
      maxFailedLogins: 1_000,
      ...settings,
    },
  )
  const stage = await smtpStage({ policy })
  const client = await stage.dial()
  await client.reply()
  await ask(client, 'EHLO client.test')
  return { policy, stage, client }
}

async function ask(client: StageClient, line: string): Promise<string> {
  client.send(`${line}\r\n`)
  return client.reply()
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

describe('a login by SCRAM-SHA-256', () => {
  test('is proven to both sides before the session has a user', async () => {
    const { policy, client } = await greeted()
    policy.script.auth = ({ user }) => ({ ruling: 'accept', user })
    const first = 'n=user,r=nonce'
    const challenge = await ask(client, `AUTH SCRAM-SHA-256 ${base64(`n,,${first}`)}`)
    const said = Buffer.from(challenge.slice(4), 'base64').toString()
    const [nonce = ''] = said.slice(2).split(',')
    const salted = pbkdf2Sync('pencil', 'salt', 4_096, 32, 'sha256')
    const clientKey = createHmac('sha256', salted).update('Client Key').digest()
    const bare = `c=biws,r=${nonce}`
    const signature = createHmac('sha256', createHash('sha256').update(clientKey).digest())
      .update(`${first},${said},${bare}`)
      .digest()
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0)))
    const answer = await ask(client, base64(`${bare},p=${proof.toString('base64')}`))
    expect(answer).toMatch(/^334 /)
    expect(Buffer.from(answer.slice(4), 'base64').toString()).toMatch(/^v=/)
    expect(policy.history).toEqual(['connect', 'hello', 'secretFor'])
    expect(await ask(client, '')).toBe('235 2.7.0 Authentication successful')
    expect(policy.history.at(-1)).toBe('auth')
  })
})

describe('whatever a client says', () => {
  const response = fc.oneof(
    fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')),
    fc.string({ maxLength: 80 }).map((text) => text.replaceAll(/[\r\n]/g, '')),
    fc.constantFrom(
      '',
      '=',
      '*',
      base64('n,,n=user,r=abc'),
      base64('\0bob\0secret'),
      base64('bob'),
    ),
    fc.constant('A'.repeat(12_288)),
    fc.constant('A'.repeat(13_000)),
  )
  const exchange = fc.record({
    mechanism: fc.constantFrom(...all),
    initial: fc.option(response),
    responses: fc.array(response, { maxLength: 4 }),
  })

  test('each line of a login is answered, nobody is let in, and the session goes on', async () => {
    const { policy, client } = await greeted()
    await fc.assert(
      fc.asyncProperty(exchange, async ({ mechanism, initial, responses }) => {
        let reply = await ask(client, `AUTH ${mechanism}${initial === null ? '' : ` ${initial}`}`)
        for (const text of responses) {
          if (!reply.startsWith('334 ')) break
          // oxlint-disable-next-line no-await-in-loop -- a dialogue
          reply = await ask(client, text)
        }
        if (reply.startsWith('334 ')) reply = await ask(client, '*')
        expect(reply).toMatch(/^(?:500 5\.5\.[26]|501 5\.[57]\.\d|535 5\.7\.8) /)
        expect(await ask(client, 'NOOP')).toBe('250 2.0.0 Ok')
      }),
      { numRuns: 200 },
    )
    expect(policy.history).not.toContain('session errors')
  })

  test('a response may be as long as RFC 4954 says, and not longer', async () => {
    const { client } = await greeted()
    await ask(client, 'AUTH PLAIN')
    expect(await ask(client, 'A'.repeat(12_288))).toBe('501 5.5.2 The response cannot be decoded')
    await ask(client, 'AUTH PLAIN')
    expect(await ask(client, 'A'.repeat(12_289))).toBe('500 5.5.6 Authentication line too long')
    expect(await ask(client, 'NOOP')).toBe('250 2.0.0 Ok')
  })

  test('who leaves in the middle of a login leaves nothing behind', async () => {
    const { policy, stage, client } = await greeted()
    await ask(client, 'AUTH CRAM-MD5')
    client.connection.destroy()
    await settled()
    expect(policy.history.at(-1)).toBe('session disconnect')
    expect(stage.listener.sessions).toBe(0)
  })
})
