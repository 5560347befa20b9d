/** `postern showctl` on a folder with files that count, files that do not, and files that nobody knows. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { gatewayFolder, runPostern, type GatewayFolder } from './started-gateway.ts'

let folder: GatewayFolder

beforeEach(async () => {
  folder = await gatewayFolder()
})
afterEach(() => folder.remove())

const showctl = (...args: readonly string[]) =>
  runPostern(['showctl', ...args, '--config', folder.config])

test('a control file is shown with its value or its default, what it means, and who reads it', async () => {
  await folder.write('control/concurrencyremote', '255\n')
  const { stdout, code } = await showctl('concurrencyremote', 'timeoutconnect', 'rcpthosts')
  expect(code).toBe(0)
  expect(stdout).toContain(
    'concurrencyremote: 255\n  remote deliveries at a time. qmail-send; Postern: deliveries\n',
  )
  expect(stdout).toContain('timeoutconnect: (Default.) 60\n')
  expect(stdout).toMatch(/rcpthosts: \n {4}postern\.test\n/)
  expect(stdout).toContain('Postern: the plugin rcpthosts\n')
})

test('letters beyond ASCII are shown as they stand in the file', async () => {
  await folder.write('control/badmailfrom', 'jürgen@bücher.test\n')
  const { stdout } = await showctl('badmailfrom')
  expect(stdout).toContain('\n    jürgen@bücher.test\n')
})

test('a file that has no effect says why', async () => {
  await folder.write('control/tlsserverciphers', 'HIGH\n')
  const { stdout } = await showctl('tlsserverciphers', 'taps')
  expect(stdout).toContain('tlsserverciphers: HIGH\n')
  expect(stdout).toContain('not honoured: the ciphers that Mozilla calls intermediate')
  expect(stdout).toContain('not honoured: the plugin taps is off: postern enable taps')
})

test('unknown files and stale cdbs are named, and secrets are not shown', async () => {
  await folder.write('control/smtproutez', 'x\n')
  await folder.write('control/srs.secret', 'very secret\n')
  await folder.write('control/morercpthosts', 'one.test\n')
  expect((await showctl('morercpthosts')).stdout).toMatch(
    /Oops! .*morercpthosts\.cdb is not there, and nothing else reads its text\. Run postern cdb\./,
  )
  await runPostern(['cdb', '--config', folder.config])
  await folder.write('control/morercpthosts', 'two.test\n')
  const { stdout } = await showctl('--there')
  expect(stdout).toContain('smtproutez: I have no idea what this file does.')
  expect(stdout).toMatch(/Oops! .*morercpthosts\.cdb is stale: it says something else/)
  expect(stdout).toContain('srs.secret: 12 bytes')
  expect(stdout).not.toContain('very secret')
  expect(stdout).not.toContain('(Default.)')
  const json = JSON.parse((await showctl('--json')).stdout)
  expect(json.unknown).toEqual(['smtproutez'])
  expect(json.stale).toHaveLength(1)
  expect(json.files.find(({ name }: { name: string }) => name === 'me')).toMatchObject({
    there: true,
    value: [expect.any(String)],
    qmail: 'all',
    postern: 'everything',
  })
})

test('a name that is no control file is an answer of its own', async () => {
  expect((await showctl('rcpthost')).code).toBe(1)
})
