/** Every control file that the notes on the qmail world mention stands in the one table that `postern showctl` shows. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { controlFiles } from '../../src/formats/control-files.ts'
import { notesRoot } from './third-party.ts'

const table = new Set(Object.keys(controlFiles))

/** As the notes had them when this was written: they lie outside of the repository. */
const mentioned = [
  'auth.cdb',
  'badmailfrom',
  'badmailfromnorelay',
  'badrcptto',
  'badrcpttonorelay',
  'bouncefrom',
  'bouncehost',
  'clientcert.pem',
  'concurrencyincoming',
  'concurrencylocal',
  'concurrencyremote',
  'databytes',
  'defaultdelivery',
  'defaultdomain',
  'defaulthost',
  'domainbindings',
  'doublebouncehost',
  'doublebounceto',
  'envnoathost',
  'helohost',
  'idhost',
  'localiphost',
  'locals',
  'maxrcpt',
  'me',
  'mfcheck',
  'morercpthosts',
  'morercpthosts.cdb',
  'percenthack',
  'plusdomain',
  'qmqpservers',
  'queuelifetime',
  'rcpthosts',
  'routebindings',
  'servercert.pem',
  'simcontrol',
  'simcontrol.cdb',
  'smtpgreeting',
  'smtproutes',
  'spfbehavior',
  'spfexp',
  'spfguess',
  'spfrules',
  'ssattach',
  'taps',
  'timeoutconnect',
  'timeoutremote',
  'timeoutsmtpd',
  'tlsclientciphers',
  'tlshosts',
  'tlsserverciphers',
  'validrcptto.cdb',
  'virtualdomains',
]

test('every control file of the qmail world is in the table', () => {
  expect(mentioned.filter((name) => !table.has(name))).toEqual([])
})

describe.skipIf(!existsSync(notesRoot))('the notes', () => {
  test('mention no control file that the table does not have', () => {
    const texts = readdirSync(notesRoot).filter((name) => name.endsWith('.md'))
    expect(texts.length).toBeGreaterThan(5)
    const named = texts.flatMap((name) => {
      const text = readFileSync(join(notesRoot, name), 'utf8')
      return [...text.matchAll(/control\/([a-z0-9_]+(?:\.[a-z]+)*)/g)].map(([, file = '']) => file)
    })
    expect(new Set(named).size).toBeGreaterThan(20)
    expect([...new Set(named)].filter((name) => !table.has(name))).toEqual([])
  })
})
