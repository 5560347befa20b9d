import { expect, test } from 'vitest'
import { controlFiles } from './control-files.ts'
import { readControlSettings, settingFiles } from './control-settings.ts'

function read(files: Readonly<Record<string, string>>) {
  const folder = new Map(Object.entries(files))
  return readControlSettings((file) => {
    const text = folder.get(file)
    return text === undefined ? undefined : Buffer.from(text)
  })
}

test('a folder that holds nothing but me has all of the defaults of qmail', () => {
  const { value, mistakes, doubts } = read({ me: 'qmail.example.com\n' })
  expect([mistakes, doubts]).toEqual([[], []])
  expect(value).toMatchObject({
    me: 'qmail.example.com',
    bounceFrom: 'MAILER-DAEMON',
    bounceHost: 'qmail.example.com',
    concurrencyLocal: 10,
    concurrencyRemote: 20,
    dataBytes: 0,
    defaultDomain: 'qmail.example.com',
    defaultHost: 'qmail.example.com',
    doubleBounceHost: 'qmail.example.com',
    doubleBounceTo: 'postmaster',
    envNoAtHost: 'qmail.example.com',
    heloHost: 'qmail.example.com',
    queueLifetimeSeconds: 604_800,
    smtpGreeting: 'qmail.example.com',
    timeoutConnectSeconds: 60,
    timeoutRemoteSeconds: undefined,
    timeoutSmtpdSeconds: 1200,
  })
  expect([...value.locals]).toEqual(['qmail.example.com'])
  expect(value.rcptHosts.find('qmail.example.com')).toBeUndefined()
  expect(value.smtpRoutes.find('example.com')).toBeUndefined()
  expect(value.virtualDomains.find('a@example.com')).toBeUndefined()
})

test("the production guide's folder reads as the guide says", () => {
  const { value, mistakes } = read({
    me: 'qmail.example.com\n',
    defaultdomain: 'example.com\n',
    locals: 'qmail.example.com\n',
    rcpthosts: 'qmail.example.com\nexample.com\n',
    virtualdomains: 'example.com:example.com\n',
    concurrencyremote: '255\n',
  })
  expect(mistakes).toEqual([])
  expect(value).toMatchObject({ defaultDomain: 'example.com', concurrencyRemote: 255 })
  expect(value.rcptHosts.find('example.com')).toBe('example.com')
  expect(value.locals.has('example.com')).toBe(false)
  expect(value.virtualDomains.find('joe@example.com')?.prefix).toBe('example.com')
})

test('all mistakes and doubts of all files come at once, each with its file and line', () => {
  const { mistakes, doubts } = read({
    smtproutes: 'a:b:c\n',
    rcpthosts: 'ok.example\nnot ok\n',
    concurrencylocal: 'ten\n',
  })
  expect(mistakes.map(({ file, line }) => [file, line])).toEqual([
    ['me', 1],
    ['rcpthosts', 2],
    ['smtproutes', 1],
  ])
  expect(doubts.map(({ file, line }) => [file, line])).toEqual([['concurrencylocal', 1]])
})

test('a domain of virtualdomains that stands in locals is doubted: locals counts first', () => {
  const { doubts } = read({
    me: 'me.example\n',
    locals: 'me.example\nTwice.example\n',
    virtualdomains: '# customers\ntwice.example:joe\nonce.example:joe\n.me.example:joe\n',
  })
  expect(doubts).toMatchObject([{ file: 'virtualdomains', line: 2, text: 'twice.example' }])
})

test('an empty file is an empty value, not a missing one', () => {
  const { value } = read({ me: 'me.example\n', helohost: '', locals: '' })
  expect(value.heloHost).toBe('')
  expect(value.locals.size).toBe(0)
})

test('the files that are read are those that are named for the watcher, and all are in the table', () => {
  const asked = new Set<string>()
  readControlSettings((file) => void asked.add(file))
  expect([...asked].sort()).toEqual([...settingFiles].sort())
  for (const file of settingFiles) expect(controlFiles).toHaveProperty(file)
})
