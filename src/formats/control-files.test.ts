import { expect, test } from 'vitest'
import { controlFiles, type ControlFile } from './control-files.ts'

const files: [string, ControlFile][] = Object.entries(controlFiles)

test('every file of qmail-control(5) is in the table, with its default', () => {
  const manual: Record<string, string | number | undefined> = {
    badmailfrom: undefined,
    bouncefrom: 'MAILER-DAEMON',
    bouncehost: 'me',
    concurrencylocal: 10,
    concurrencyremote: 20,
    databytes: 0,
    defaultdomain: 'me',
    defaulthost: 'me',
    doublebouncehost: 'me',
    doublebounceto: 'postmaster',
    envnoathost: 'me',
    helohost: 'me',
    idhost: 'me',
    localiphost: 'me',
    locals: 'me',
    me: undefined,
    morercpthosts: undefined,
    percenthack: undefined,
    plusdomain: 'me',
    qmqpservers: undefined,
    queuelifetime: 604_800,
    rcpthosts: undefined,
    smtpgreeting: 'me',
    smtproutes: undefined,
    timeoutconnect: 60,
    timeoutremote: 1200,
    timeoutsmtpd: 1200,
    virtualdomains: undefined,
  }
  const table = new Map(files)
  for (const [name, expected] of Object.entries(manual)) {
    const file = table.get(name)
    expect([name, file?.defaultsToMe === true ? 'me' : file?.default]).toEqual([name, expected])
  }
})

test('the table stands in the order of the alphabet', () => {
  const names = files.map(([name]) => name)
  expect(names).toEqual(names.toSorted())
})

test('only a line has a text for its default, and only an integer a number', () => {
  for (const [name, file] of files) {
    if (file.default === undefined) continue
    expect([name, typeof file.default]).toEqual([
      name,
      file.kind === 'integer' ? 'number' : 'string',
    ])
  }
})
