/** Our notifications, as Python's email package reads them. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { component, isMissing } from '../../test/setup/components.ts'
import { buildDsn, type DsnFacts } from '../mail/dsn.ts'

const script = `
import email, email.policy, json, sys
message = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.SMTP)
human, status, original = message.iter_parts()
print(json.dumps({
  'report': [message.get_content_type(), message.get_param('report-type')],
  'to': str(message['To']), 'auto': message['Auto-Submitted'],
  'human': human.get_content(),
  'types': [part.get_content_type() for part in (human, status, original)],
  'groups': [list(map(list, group.items())) for group in status.get_payload()]
    if status.get_content_type() == 'message/delivery-status' else status.get_payload(0).as_string(),
  'original': original.as_bytes().decode('latin1'),
  'defects': [str(d) for part in message.walk() for d in part.defects],
}))`

interface Reading {
  readonly report: readonly string[]
  readonly to: string
  readonly human: string
  readonly types: readonly string[]
  readonly groups: readonly (readonly (readonly [string, string])[])[]
  readonly original: string
  readonly defects: readonly string[]
}

async function asPythonReads(facts: DsnFacts): Promise<Reading> {
  const run = promisify(execFile)(component('python3')!.path, ['-c', script])
  run.child.stdin?.end(buildDsn(facts).bytes)
  return JSON.parse((await run).stdout) as Reading
}

const now = Date.UTC(2026, 10, 21, 8, 10, 12)
const facts: DsnFacts = {
  id: 'q1',
  at: now,
  hostname: 'mx.example.org',
  from: { localPart: 'MAILER-DAEMON', domain: 'mx.example.org' },
  to: { localPart: 'ann', domain: 'example.com' },
  envelope: {
    reversePath: { localPart: 'ann', domain: 'example.com' },
    recipients: [],
    bodyType: '8bitmime',
    smtputf8: false,
    requireTls: false,
    envelopeId: 'QQ314159',
  },
  arrivedAt: now - 60_000,
  recipients: [
    {
      recipient: {
        mailbox: { localPart: 'joe', domain: 'example.org' },
        originalRecipient: 'rfc822;Joe+list@example.net',
      },
      result: {
        outcome: 'failed',
        status: '5.1.1',
        text: '550-5.1.1 No such user\n550 5.1.1 here',
        remote: 'mx.example.net (192.0.2.1)',
      },
      lastAttemptAt: now,
    },
    {
      recipient: { mailbox: { localPart: 'slow', domain: 'example.org' } },
      result: { outcome: 'deferred', status: '4.4.1', text: 'No answer' },
      retryUntil: now + 86_400_000,
    },
    {
      recipient: { mailbox: { localPart: 'good', domain: 'example.org' } },
      result: { outcome: 'delivered', status: '2.0.0', text: 'ok' },
      action: 'relayed',
    },
  ],
  original: {
    header: Buffer.from('Subject: caf\u00e9\r\nX: y\r\n\r\n', 'latin1'),
    body: [Buffer.from('--=_q1\r\nna\u00efve\r\n', 'latin1')],
  },
}

describe.skipIf(isMissing('python3'))("Python's email package", () => {
  test('finds the three parts of a notification, and nothing wrong with them', async () => {
    const { report, to, types, human, defects, original } = await asPythonReads(facts)
    expect(report).toEqual(['multipart/report', 'delivery-status'])
    expect(to).toBe('ann@example.com')
    expect(types).toEqual(['text/plain', 'message/delivery-status', 'message/rfc822'])
    expect(human).toContain('<joe@example.org>:')
    expect(original).toContain('--=_q1')
    expect(defects).toEqual([])
  })

  test('reads of the message and of each recipient what RFC 3464 asks for', async () => {
    const { groups } = await asPythonReads(facts)
    const names = groups.map((group) => new Map(group.map(([name, value]) => [name, value])))
    expect(names.map((group) => group.get('Action'))).toEqual([
      undefined,
      'failed',
      'delayed',
      'relayed',
    ])
    expect(names[0]?.get('Original-Envelope-Id')).toBe('QQ314159')
    expect(names[0]?.get('Reporting-MTA')).toBe('dns; mx.example.org')
    expect(names[1]?.get('Original-Recipient')).toBe('rfc822;Joe+list@example.net')
    expect(names[1]?.get('Final-Recipient')).toBe('rfc822;joe@example.org')
    expect(names[1]?.get('Diagnostic-Code')).toBe('smtp; 550-5.1.1 No such user 550 5.1.1 here')
    expect(names[2]?.get('Will-Retry-Until')).toBe('Sun, 22 Nov 2026 08:10:12 +0000')
  })

  test('reads internationalised mail by its own types (RFC 6533)', async () => {
    const jose = { localPart: 'jösé', domain: 'example.org' }
    const { report, types, groups } = await asPythonReads({
      ...facts,
      envelope: { ...facts.envelope, smtputf8: true },
      recipients: [{ ...facts.recipients[0], recipient: { mailbox: jose } }],
      original: { header: Buffer.from('Subject: blåbær\r\n\r\n') },
    })
    expect(report[1]).toBe('global-delivery-status')
    expect(types).toEqual([
      'text/plain',
      'message/global-delivery-status',
      'message/global-headers',
    ])
    expect(JSON.stringify(groups)).toContain('Final-Recipient')
  })
})
