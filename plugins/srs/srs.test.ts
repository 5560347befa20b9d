import { describe, expect, test } from 'vitest'
import { formatMailbox, Srs } from 'postern/plugin'
import { fakeClock, pluginUnderTest, type PluginTestOptions } from 'postern/testkit'
import { srs } from './srs.ts'

const day = 86_400_000
const now = fakeClock().now()
const files = { 'control/me': 'mail.us.test\n', 'control/srs.secret': 'newest\nolder\n' }
const under = (rest: PluginTestOptions = {}) => pluginUnderTest(srs, { files, ...rest })

function rewritten({ domain = 'mail.us.test', secret = 'newest', at = now } = {}): string {
  const alice = { localPart: 'alice', domain: 'far.test' }
  const made = new Srs({ domain, secrets: [secret] }).encode(alice, at)
  if (made === undefined) throw new Error('cannot be rewritten')
  return formatMailbox(made)
}

const bounce = { reversePath: '' }

describe('srs', () => {
  test.each(['newest', 'older'])(
    'sends a bounce on to the sender, by the key %s',
    async (secret) => {
      expect(await under().rcpt(rewritten({ secret }), bounce)).toMatchObject({
        verdict: 'accept',
        reason: 'SRS',
        envelopeEdits: [
          { edit: 'replaceRecipient', by: { mailbox: { localPart: 'alice', domain: 'far.test' } } },
        ],
      })
    },
  )

  test('refuses an address that somebody made up', async () => {
    const recipient = rewritten({ secret: 'guessed' })
    expect(await under().rcpt(recipient, bounce)).toMatchObject({
      verdict: 'reject',
      status: '5.1.1',
      reason: 'SRS_FORGED',
    })
  })

  test('refuses a bounce that comes too late', async () => {
    const recipient = rewritten({ at: now - 22 * day })
    expect(await under().rcpt(recipient, bounce)).toMatchObject({ reason: 'SRS_EXPIRED' })
    const options = { max_age_days: 22 }
    expect(await under({ options }).rcpt(recipient, bounce)).toMatchObject({ reason: 'SRS' })
  })

  test('takes nothing but bounces', async () => {
    expect(await under().rcpt(rewritten())).toMatchObject({
      verdict: 'reject',
      status: '5.7.1',
      reason: 'SRS_NO_BOUNCE',
    })
  })

  test('knows its own domain where there is one', async () => {
    const own = { ...files, 'control/srs_domain': 'bounces.us.test\n' }
    const recipient = rewritten({ domain: 'bounces.us.test' })
    expect(await under({ files: own }).rcpt(recipient, bounce)).toMatchObject({ reason: 'SRS' })
    expect(await under({ files: own }).rcpt(rewritten(), bounce)).toEqual({ verdict: 'pass' })
  })

  test.each(['srs0-fan@mail.us.test', 'bob@mail.us.test', 'SRS0=Rl8Q=R3=far.test=al@else.test'])(
    'has no opinion about %s',
    async (recipient) => {
      expect(await under().rcpt(recipient, bounce)).toEqual({ verdict: 'pass' })
    },
  )

  test('has none where nothing was ever rewritten', async () => {
    const nothing = under({ files: { 'control/me': 'mail.us.test\n' } })
    expect(await nothing.rcpt(rewritten(), bounce)).toEqual({ verdict: 'pass' })
  })
})
