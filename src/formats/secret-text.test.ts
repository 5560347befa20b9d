import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isSecretName, secretSpans, withoutSecrets } from './secret-text.ts'

describe('a text that people see', () => {
  test.each([
    ['https://ops:hush@hooks.example/x', 'https://ops:***@hooks.example/x'],
    ['redis://hush@db.example', 'redis://***@db.example'],
    ['https://mx.example/?token=hush&n=1', 'https://mx.example/?token=***&n=1'],
    ['password: hush # why', 'password: *** # why'],
    ['# smtp_password = "hu sh"', '# smtp_password = "***"'],
    ['--api-key=hush --loud', '--api-key=*** --loud'],
    [':allow,DB_PASSWORD="hush"', ':allow,DB_PASSWORD="***"'],
    ['Authorization: Token hush', 'Authorization: ***'],
    ['header: Bearer hushhush1', 'header: Bearer ***'],
  ])('hides the secret in %j', (text, shown) => {
    expect(withoutSecrets(text)).toBe(shown)
  })

  test.each([
    'password_file: secrets/rspamd',
    '# the password: see below',
    'token_lifetime: 7d',
    'mail bob@example.org, https://example.org/a@b',
    'secret: true',
  ])('keeps %j, which says nothing secret', (text) => {
    expect(withoutSecrets(text)).toBe(text)
  })

  test('has its secrets in order, whatever it is', () => {
    const piece = fc.constantFrom('password', ': ', '=', '://', '@', ':', '"', '\n', 'hush', ' ')
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 30 }), (pieces) => {
        const text = pieces.join('')
        let end = 0
        for (const { from, to } of secretSpans(text)) {
          expect(from).toBeGreaterThanOrEqual(end)
          expect(to).toBeGreaterThan(from)
          end = to
        }
        expect(end).toBeLessThanOrEqual(text.length)
      }),
    )
  })
})

test('names of files that hold secrets are no secrets', () => {
  expect(['password', 'API_KEY', 'smtpToken'].every(isSecretName)).toBe(true)
  expect(['webhook_secret_file', 'key_file', 'token_lifetime'].some(isSecretName)).toBe(false)
})
