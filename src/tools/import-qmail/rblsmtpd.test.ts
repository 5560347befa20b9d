import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { systemDisk } from '../../runtime/node/disk.ts'
import { compileTcpRules, parseTcpRules } from '../../formats/tcprules.ts'
import { planQmailImport } from './plan.ts'

async function chainOf(program: string, rules: string, variables = ''): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'postern-rblsmtpd-'))
  try {
    const files = {
      '/var/qmail/control/me': 'mx.example\n',
      '/var/qmail/control/rcpthosts': 'mx.example\n',
      '/etc/tcp.smtp': rules,
      '/etc/tcp.smtp.cdb': compileTcpRules(parseTcpRules(Buffer.from(rules))),
      '/service/smtpd/run': `#!/bin/sh\n${variables}exec tcpserver -x /etc/tcp.smtp.cdb 0 25 ${program} qmail-smtpd\n`,
    }
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true })
      await writeFile(join(root, path), text)
    }
    const { yaml } = await planQmailImport({
      disk: systemDisk,
      tree: join(root, 'var/qmail'),
      scripts: [],
      shiftPorts: 0,
      pluginFolder: '/plugins',
      state: '../var',
      inPlace: false,
    })
    return yaml
  } finally {
    await rm(root, { recursive: true })
  }
}

test.each(['rblsmtpd', 'rblsmtpd -a good.example'])(
  '%s without a list still refuses the clients whose rule sets RBLSMTPD',
  async (program) => {
    const yaml = await chainOf(program, '192.0.2.:allow,RBLSMTPD="-Go away"\n:allow\n')
    expect(yaml).toMatch(/plugin: dnsbl[^\n]*\n[^]*?lists: \[\]/)
  },
)

test('rblsmtpd without a list refuses at once with -t 0, as with lists', async () => {
  const yaml = await chainOf('rblsmtpd -t 0', '192.0.2.:allow,RBLSMTPD="later"\n')
  expect(yaml).toMatch(/plugin: dnsbl[^\n]*\n[^]*?refuse_at: now/)
})

test('rblsmtpd without a list takes RBLSMTPD of its run script over', async () => {
  const yaml = await chainOf('rblsmtpd', ':allow\n', 'export RBLSMTPD="-Closed"\n')
  expect(yaml).toContain('override: "-Closed"')
})

test('rblsmtpd that refuses nobody becomes no entry', async () => {
  expect(await chainOf('rblsmtpd', '10.:allow,RBLSMTPD=""\n:allow\n')).not.toContain(
    'plugin: dnsbl',
  )
})

test.each([
  ['-c -r bl.example', 'defer'],
  ['-C -r bl.example', undefined],
  ['-r bl.example', undefined],
  ['-r bl.example -c', undefined],
  ['-r bl.example -c -r other.example', 'defer'],
])('rblsmtpd %s does about a list that fails what it did there', async (flags, onFault) => {
  const yaml = await chainOf(`rblsmtpd ${flags}`, ':allow\n')
  const [, dnsbl = ''] = yaml.split('- plugin: dnsbl')
  const [entry = ''] = dnsbl.split('- plugin:', 1)
  expect(/on_fault: (\w+)/.exec(entry)?.[1]).toBe(onFault)
  // Which may have none: then it would rest, and be a list that fails.
  expect(entry.includes('self_test: false')).toBe(onFault === 'defer')
})
