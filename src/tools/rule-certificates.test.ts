import { expect, test } from 'vitest'
import { parseTcpRules } from '../formats/tcprules.ts'
import { tcpRulesOfText } from '../formats/tcprules-lookup.ts'
import type { ListenerConfiguration } from '../config/configuration.ts'
import { readRuleCertificates } from './rule-certificates.ts'

type ListenerTls = NonNullable<ListenerConfiguration['tls']>

const rules = `192.0.2.1:allow,TLS_SERVER_CERT="one.pem"
192.0.2.2:allow,RELAYCLIENT=""
192.0.2.3:allow,TLS_SERVER_CERT="two.pem"
:allow
`

function asked(tls?: ListenerTls) {
  const names: (string | undefined)[] = []
  const configuration = {
    tcpRules: tcpRulesOfText(parseTcpRules(Buffer.from(rules))),
    tcpRulesFile: 'tcp.smtp',
    listeners: [{ name: 'bare' }, { name: 'mx', ...(tls === undefined ? {} : { tls }) }],
  }
  readRuleCertificates(configuration, (listener, { variables }) => {
    names.push(`${listener} ${variables.get('TLS_SERVER_CERT')}`)
  })
  return names
}

test('certificates that rules name are read before anybody comes, where there is TLS', () => {
  expect(asked({ mode: 'starttls', identities: [] })).toEqual(['mx one.pem', 'mx two.pem'])
  expect(asked()).toEqual([])
})
