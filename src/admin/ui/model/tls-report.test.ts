import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tlsRows } from './tls-report.ts'

/** RFC 8460, appendix B. */
const example = {
  'organization-name': 'Company-X',
  'date-range': {
    'start-datetime': '2016-04-01T00:00:00Z',
    'end-datetime': '2016-04-01T23:59:59Z',
  },
  'contact-info': 'sts-reporting@company-x.example',
  'report-id': '5065427c-23d3-47ca-b6e0-946ea0e8c4be',
  policies: [
    {
      policy: {
        'policy-type': 'sts',
        'policy-string': ['version: STSv1', 'mode: testing', 'mx: *.mail.company-y.example'],
        'policy-domain': 'company-y.example',
        'mx-host': ['*.mail.company-y.example'],
      },
      summary: { 'total-successful-session-count': 5326, 'total-failure-session-count': 303 },
      'failure-details': [
        {
          'result-type': 'certificate-expired',
          'sending-mta-ip': '2001:db8:abcd:0012::1',
          'receiving-mx-hostname': 'mx1.mail.company-y.example',
          'failed-session-count': 100,
        },
        {
          'result-type': 'validation-failure',
          'sending-mta-ip': '198.51.100.62',
          'receiving-ip': '203.0.113.58',
          'failed-session-count': 3,
          'failure-reason-code': 'X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED',
        },
      ],
    },
  ],
}
const good = {
  policies: [
    {
      policy: { 'policy-type': 'tlsa', 'policy-domain': 'a.example' },
      summary: { 'total-successful-session-count': 7, 'total-failure-session-count': 0 },
    },
  ],
}

test('a report is a row for each policy, those that failed first, in words', () => {
  expect(tlsRows([good, example])).toEqual([
    {
      domain: 'company-y.example',
      policy: 'sts',
      successes: 5326,
      failures: 303,
      details: [
        'certificate-expired, 100 times at mx1.mail.company-y.example',
        'validation-failure, 3 times (X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED)',
      ],
    },
    { domain: 'a.example', policy: 'tlsa', successes: 7, failures: 0, details: [] },
  ])
})

test('what is no report is no row that breaks the page', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), (values) => {
      for (const { domain, details } of tlsRows(values)) {
        expect([typeof domain, Array.isArray(details)]).toEqual(['string', true])
      }
    }),
  )
})
