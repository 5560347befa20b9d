import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import PostalMime from 'postal-mime'
import { describe, expect, test } from 'vitest'
import { fakeClock } from '../../testkit/fake-clock.ts'
import { fakeDns, type FakeZones } from '../../testkit/fake-dns.ts'
import { memoryQueue } from '../../testkit/memory-queue.ts'
import { memoryStore } from '../../testkit/memory-store.ts'
import { recordingLog } from '../../testkit/recording-log.ts'
import { dayOf, TlsCounts } from './counts.ts'
import { reportAddresses } from './report.ts'
import { TlsReporter } from './reporter.ts'
import { noPolicy } from './sighting.ts'

const hour = 3_600_000
const contact = { localPart: 'postmaster', domain: 'here.test' }
const wishes: FakeZones = {
  '_smtp._tls.there.test': { txt: ['v=TLSRPTv1;rua=mailto:tls@there.test,https://there.test/r'] },
  '_smtp._tls.ill.test': 'fails',
}

function stage({ wanted = true, zones = wishes } = {}) {
  const clock = fakeClock()
  const store = memoryStore(clock)
  const queue = memoryQueue(clock)
  const dns = fakeDns(zones)
  const make = () =>
    new TlsReporter({
      queue,
      store,
      dns,
      clock,
      random: { bytes: (length) => new Uint8Array(length), integer: () => 3 * hour },
      log: recordingLog(),
      submitter: () => (wanted ? { hostname: 'mx.here.test', contact } : undefined),
    })
  const counts = new TlsCounts(store, { now: () => clock.now(), run: 'a' })
  for (const domain of ['there.test', 'silent.test', 'ill.test']) {
    counts.count({ domain, policy: noPolicy, outcome: {} })
    counts.count({
      domain,
      policy: noPolicy,
      hop: { name: 'mx.there.test', address: '192.0.2.1' },
      outcome: { failure: 'starttls-not-supported' },
    })
  }
  const day = dayOf(clock.now())
  const pass = async (hours: number) => {
    for (let at = 0; at < hours; at++) {
      clock.advance(hour)
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { clock, queue, dns, make, pass, day }
}

describe('a domain that asks for it', () => {
  test('is told once of the day before, as RFC 8460 has it', async () => {
    const { clock, queue, make, pass, day } = stage()
    const reporter = make()
    reporter.start()
    while (dayOf(clock.now()) === day) await pass(1)
    expect(queue.commits).toEqual([])
    await pass(30)
    await reporter.stop()
    const again = make()
    again.start()
    await pass(2)
    await again.stop()
    expect(queue.commits).toHaveLength(1)
    const [{ placement, message }] = queue.commits as [(typeof queue.commits)[number]]
    expect(placement.envelope).toMatchObject({
      reversePath: null,
      recipients: [{ mailbox: { localPart: 'tls', domain: 'there.test' } }],
    })
    const { headers, attachments } = await PostalMime.parse(Buffer.from(message.bytes))
    const field = (name: string) => headers.find(({ key }) => key === name)?.value
    expect(field('tls-report-domain')).toBe('there.test')
    expect(field('tls-report-submitter')).toBe('mx.here.test')
    expect(field('tls-required')).toBe('No')
    expect(field('content-type')).toMatch(/^multipart\/report; report-type="tlsrpt"/)
    const report = attachments.find(({ mimeType }) => mimeType === 'application/tlsrpt+gzip')
    expect(report?.filename).toMatch(/^mx\.here\.test!there\.test!\d+!\d+\.json\.gz$/)
    expect(JSON.parse(gunzipSync(Buffer.from(report?.content as ArrayBuffer)).toString())).toEqual({
      'organization-name': 'mx.here.test',
      'date-range': { 'start-datetime': `${day}T00:00:00Z`, 'end-datetime': `${day}T23:59:59Z` },
      'contact-info': 'postmaster@here.test',
      'report-id': `${day}.there.test@mx.here.test`,
      policies: [
        {
          policy: { 'policy-type': 'no-policy-found', 'policy-domain': 'there.test' },
          summary: { 'total-successful-session-count': 1, 'total-failure-session-count': 1 },
          'failure-details': [
            {
              'result-type': 'starttls-not-supported',
              'receiving-mx-hostname': 'mx.there.test',
              'receiving-ip': '192.0.2.1',
              'failed-session-count': 1,
            },
          ],
        },
      ],
    })
  })

  test('is asked again where the DNS gave no answer', async () => {
    const { clock, queue, dns, make, pass, day } = stage()
    const reporter = make()
    reporter.start()
    while (dayOf(clock.now()) === day) await pass(1)
    await pass(6)
    dns.change({ '_smtp._tls.ill.test': { txt: ['v=TLSRPTv1; rua=mailto:late@ill.test'] } })
    await pass(2)
    await reporter.stop()
    const told = queue.commits.map(
      ({ placement }) => placement.envelope.recipients[0]?.mailbox.domain,
    )
    expect(told).toEqual(['there.test', 'ill.test'])
  })

  test('hears nothing where the operator does not want it', async () => {
    const { queue, make, pass } = stage({ wanted: false })
    const reporter = make()
    reporter.start()
    await pass(40)
    await reporter.stop()
    expect(queue.commits).toEqual([])
  })
})

test.each([
  ['v=TLSRPTv1;rua=mailto:a@x.test', ['a@x.test']],
  ['v=TLSRPTv1; rua=mailto:a@x.test , mailto:b%2Bc@x.test?subject=x;', ['a@x.test', 'b+c@x.test']],
  ['v=TLSRPTv1; rua=https://x.test/report', []],
  ['v=TLSRPTv1; rua=mailto:nobody', []],
  ['v=TLSRPTv1; rua=mailto:%zz@x.test', []],
  ['v=TLSRPTv1; rua=mailto:a@x.test%0d%0aBcc: b@x.test', []],
  ['v=TLSRPTv2; rua=mailto:a@x.test', []],
])('the record %j names %j', (text, expected) => {
  const found = reportAddresses(['v=spf1 -all', text])
  expect(found.map(({ localPart, domain }) => `${localPart}@${domain}`)).toEqual(expected)
})

test('several records name nobody, and whatever a record holds, at most five are named', () => {
  const one = 'v=TLSRPTv1; rua=mailto:a@x.test'
  expect(reportAddresses([one, one])).toEqual([])
  expect(reportAddresses([`v=TLSRPTv1; rua=${'mailto:a@x.test,'.repeat(50)}`])).toHaveLength(5)
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), (text) => {
      expect(reportAddresses([`v=TLSRPTv1;rua=mailto:${text}`]).length).toBeLessThanOrEqual(5)
    }),
  )
})
