import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readSpamdyke, spamdykeNetwork } from './spamdyke.ts'

function read(args: readonly string[], files: Readonly<Record<string, string>> = {}) {
  const { options, missing } = readSpamdyke(args, { read: (path) => files[path], source: 'run' })
  const values = [...options].map(([name, given]) => [name, given.map(({ value }) => value)])
  return { ...Object.fromEntries(values), missing: missing.map(({ value }) => value) }
}

test('options stand on the command line, by name or letter, and in files behind it', () => {
  const files = {
    '/a': '# a\nreject-empty-rdns\ngreeting-delay-secs = 7\nconfig-file=/b\nconfig-file=/a\n',
    '/b': 'dns-blacklist-entry=b.test\n',
  }
  const args = [
    '-l3',
    '-r',
    '-x',
    'a.test',
    '--max-recipients=5',
    '--graylist-level',
    'none',
    '-f',
    '/a',
  ]
  expect(read(args, files)).toEqual({
    'log-level': ['3'],
    'reject-empty-rdns': ['', ''],
    'dns-blacklist-entry': ['a.test', 'b.test'],
    'max-recipients': ['5'],
    'graylist-level': ['none'],
    'config-file': ['/a', '/b', '/a'],
    'greeting-delay-secs': ['7'],
    missing: [],
  })
  expect(read(['-f', '/none']).missing).toEqual(['/none'])
})

test('a value is taken back with !, all of them with !!!', () => {
  const text = 'x=1\nx=2\nx=!1\ny=1\ny=!!!\ngreylist-dir=/g\n'
  expect(read(['-f', '/a'], { '/a': text })).toMatchObject({ x: ['2'], 'graylist-dir': ['/g'] })
  expect(read(['-f', '/a'], { '/a': text })).not.toHaveProperty('y')
})

test.each([
  ['192.0.2.7', '192.0.2.7/32'],
  ['011.022.033.044', '11.22.33.44/32'],
  ['11.22.33', '11.22.33.0/24'],
  ['11.22.', '11.22.0.0/16'],
  ['11.22.33.0/24', '11.22.33.0/24'],
  ['11.22.0.0/255.255.0.0', '11.22.0.0/16'],
  ['11.22.0.0/255.0.255.0', undefined],
  ['11.22.33-44', undefined],
  ['11.22.333.1', undefined],
  ['11..22', undefined],
  ['nonsense', undefined],
])('the addresses %s are the network %s', (text, network) => {
  expect(spamdykeNetwork(text)).toBe(network)
})

test('any words and files are read', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.string(), (args, text) => {
      expect(readSpamdyke(args, { read: () => text, source: 'run' }).missing).toEqual([])
    }),
  )
})
