import fc from 'fast-check'
import { expect, test } from 'vitest'
import { optionOf, programOf, readServiceLine, type ServiceLine } from './service-line.ts'

function read(words: string, variables: Readonly<Record<string, string>> = {}): ServiceLine {
  return readServiceLine(words.split(' '), new Map(), {
    variablesIn: (folder) => (folder === './env' ? new Map(Object.entries(variables)) : undefined),
  })
}

test('each program of a line is known by its options, up to the one that serves', () => {
  const line = read(
    '/usr/bin/softlimit -m 2000 /usr/bin/tcpserver -vR -l mx.example -x /etc/tcp.smtp.cdb -c30 0 25 jgreylist rblsmtpd -t0 -r a.example fixcrio qmail-smtpd mx /bin/checkpassword /bin/true',
  )
  const names = ['softlimit', 'tcpserver', 'jgreylist', 'rblsmtpd', 'fixcrio', 'qmail-smtpd']
  expect(line.programs.map(({ name }) => name)).toEqual(names)
  const server = programOf(line, 'tcpserver')
  expect([optionOf(server, 'c'), optionOf(server, 'x'), optionOf(server, 'B')]).toEqual([
    '30',
    '/etc/tcp.smtp.cdb',
    undefined,
  ])
  expect(server?.args).toEqual(['0', '25'])
  expect(line.programs.at(-1)?.args).toEqual(['mx', '/bin/checkpassword', '/bin/true'])
})

test('env and envdir change the variables', () => {
  const line = read('env - PATH=/bin A=1 envdir ./env tcpserver 0 25 qmail-smtpd', {
    A: '',
    B: '2',
  })
  expect([...line.environment]).toEqual([
    ['PATH', '/bin'],
    ['B', '2'],
  ])
})

test('behind an option or a program that is not known nothing is guessed', () => {
  expect(read('tcpserver -Z 0 25 qmail-smtpd').programs).toMatchObject([
    { name: 'tcpserver', problem: 'the option -Z' },
  ])
  const stunnel = read('stunnel -p cert tcpserver 0 25 qmail-smtpd')
  expect(stunnel.programs.map(({ name }) => name)).toEqual(['stunnel'])
  expect(
    read('envdir /nowhere qmail-smtpd').programs.some(({ problem }) => problem !== undefined),
  ).toBe(true)
})

test('any words give a line', () => {
  const word = fc.constantFrom(
    'tcpserver',
    'env',
    '-',
    '-x',
    '0',
    '25',
    'rblsmtpd',
    '-r',
    'A=1',
    'envdir',
    'x',
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 60 }), (words) => {
      expect(read(words.join(' ')).programs.length).toBeLessThanOrEqual(31)
    }),
  )
})
