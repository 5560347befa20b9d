/** `postern env`: what variables do, and what a client would get. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gatewayFolder, runPostern, type GatewayFolder } from './started-gateway.ts'

let folder: GatewayFolder
beforeAll(async () => {
  folder = await gatewayFolder()
  await folder.write(
    'tcp.smtp',
    [
      '# who may relay',
      '127.:allow,RELAYCLIENT="",MAXRCPT="500",LOGREGEX="1",SOMETHING="x"',
      '=.example.net:allow,AUTH_SET_RELAYCLIENT="",DATABYTES="1000"',
      '192.0.2.0/25:deny',
      '[2001:db8::]/32:allow,MAXCONNIP="2"',
      ':allow',
    ].join('\n'),
  )
})
afterAll(() => folder.remove())

const env = async (...args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await runPostern(['env', ...args, '--config', folder.config])
  return `${stdout}${stderr}${code}`
}

describe('postern env', () => {
  test('lists each variable with the option that it drives, its default and what it does', async () => {
    const table = await env()
    expect(table).toMatch(/^DATABYTES +receiver\.max_message = "50MB" +The largest message taken/m)
    expect(table).toMatch(/^MFCHECK +mfcheck\.level = "control" .*\(not in the chain\)$/m)
    expect(table).toMatch(/^RELAYCLIENT +relay-clients +The client may relay/m)
    expect(table).toMatch(/^LOGREGEX +not read: log and trace always name the pattern/m)
  })

  test('tells what a client would get, and from which line', async () => {
    const listing = await env('127.0.0.1')
    expect(listing).toContain(`rule 127. (${folder.config}/tcp.smtp:2)\nallow connection\n`)
    expect(listing).toMatch(/^RELAYCLIENT=\n {4}relay-clients +The client may relay/m)
    expect(listing).toMatch(/^LOGREGEX=1\n {4}not read: /m)
    expect(listing).toMatch(/^SOMETHING=x\n {4}not read: no option has it/m)
  })

  test.each([
    [['192.0.2.7'], 'rule 192.0.2.0/25', 'deny connection'],
    [['::ffff:192.0.2.7'], 'rule 192.0.2.0/25', 'deny connection'],
    [['192.0.2.200'], 'rule everybody', 'allow connection'],
    [['192.0.2.200', '--host', 'mx.example.net'], 'rule =.example.net', 'AUTH_SET_RELAYCLIENT='],
    [['2001:DB8:0::9'], 'rule [2001:db8::]/32', 'MAXCONNIP=2'],
  ])('finds the rule of %j', async (args, rule, more) => {
    const listing = await env(...args)
    expect(listing).toContain(rule)
    expect(listing).toContain(more)
  })

  test('says the same as JSON', async () => {
    const { stdout } = await runPostern(['env', '2001:db8::9', '--json', '--config', folder.config])
    expect(JSON.parse(stdout)).toMatchObject({
      rule: { address: '[2001:db8::]/32', line: 5 },
      action: 'allow',
      variables: [
        {
          name: 'MAXCONNIP',
          value: '2',
          readers: [{ by: 'listener', option: 'max_connections_per_address' }],
        },
      ],
    })
  })

  test('refuses what is no address', async () => {
    expect(await env('mx.example.net')).toBe('postern: mx.example.net is not an IP address\n2')
  })
})

describe('postern check', () => {
  test('finds a variable that no option understands before a client meets it', async () => {
    const own = await gatewayFolder()
    try {
      await own.write('tcp.smtp', ':allow,RELAYREJ="1"\n192.0.2.:allow,MAXRCPT="many"\n')
      const { code, stderr } = await runPostern(['check', '--config', own.config])
      expect(stderr).toContain(
        `${own.config}/tcp.smtp:2: MAXRCPT (192.0.2.): "many" is not a whole`,
      )
      expect(stderr).not.toContain('RELAYREJ')
      expect(code).toBe(0)
    } finally {
      await own.remove()
    }
  })
})
