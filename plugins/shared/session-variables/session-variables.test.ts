import { expect, test } from 'vitest'
import type { Session } from 'postern/plugin'
import { sessionVariables } from './session-variables.ts'

const session: Session = {
  id: 's',
  startedAt: 0,
  listener: 'mx',
  remote: { address: '192.0.2.7', port: 4711 },
  local: { address: '192.0.2.25', port: 25 },
  hostname: 'mx.test',
  environment: {
    variables: new Map([
      ['RELAYCLIENT', ''],
      ['TCPREMOTEIP', 'forged by a rule'],
    ]),
    source: 'test',
  },
}

test('a program sees the variables of the rule, and above them what is so', () => {
  const variables = sessionVariables({ ...session, remoteName: 'client.test', user: 'bob' })
  expect(Object.fromEntries(variables)).toMatchObject({
    RELAYCLIENT: '',
    TCPREMOTEIP: '192.0.2.7',
    TCPREMOTEPORT: '4711',
    TCPLOCALIP: '192.0.2.25',
    TCPLOCALPORT: '25',
    TCPREMOTEHOST: 'client.test',
    SMTP_AUTH_USER: 'bob',
    TCPREMOTEINFO: 'bob',
  })
})

test('what ident said is replaced by the login, as qmail-smtpd does it', () => {
  const named = { ...session, remoteInfo: 'joe' }
  expect(sessionVariables(named).get('TCPREMOTEINFO')).toBe('joe')
  expect(sessionVariables({ ...named, user: 'bob' }).get('TCPREMOTEINFO')).toBe('bob')
})

test('what is not known is not said', () => {
  const variables = sessionVariables(session)
  expect(variables.has('TCPREMOTEHOST')).toBe(false)
  expect(variables.has('SMTP_AUTH_USER')).toBe(false)
})
