import { describe, expect, test } from 'vitest'
import { definePlugin, pass, reject } from 'postern/plugin'
import { pluginUnderTest } from 'postern/testkit'
import { forThoseScanned, Simcontrol, simcontrolOption, type SimScanner } from './simcontrol.ts'

/** A scanner that finds something in everybody's mail. */
const scannerOf = (scanner: SimScanner) =>
  definePlugin({
    name: 'some-scanner',
    options: { simcontrol: simcontrolOption('simscan’s') },
    setup({ simcontrol }, { log }) {
      const control = new Simcontrol(simcontrol, log)
      return {
        check: () => control.doubts(scanner, 'something'),
        message: ({ transaction }) =>
          forThoseScanned(
            reject('5.7.1', 'Found', { reason: 'FOUND' }),
            control.scannedBy(scanner, transaction),
          ),
      }
    },
  })

const under = (lines: string | undefined, scanner: SimScanner = 'clam') =>
  pluginUnderTest(scannerOf(scanner), {
    files: lines === undefined ? {} : { 'control/simcontrol': lines },
  })
const about = { recipients: ['a@one.test', 'b@two.test'], reversePath: 'x@client.test' }

describe('simcontrol', () => {
  test('scans for everybody where there is none, and for all whom it names where it does', async () => {
    const found = { verdict: 'reject', reason: 'FOUND' }
    expect(await under(undefined).message('\r\n', about)).toMatchObject(found)
    expect(await under(':clam=yes\n').message('\r\n', about)).toMatchObject(found)
  })

  test('scans for those who want it, each for itself', async () => {
    const plugin = under(':clam=yes\ntwo.test:clam=no\n')
    expect(await plugin.message('\r\n', about)).toMatchObject({
      verdict: 'per-recipient',
      reason: 'FOUND',
      verdicts: [{ verdict: 'reject' }, { verdict: 'pass' }],
    })
  })

  test('scans for nobody whom it does not name, as simscan does, and the check says so', async () => {
    const plugin = under('one.test:spam=yes\nb@two.test:clam=yes\n')
    expect(await plugin.message('\r\n', about)).toMatchObject({
      verdicts: [{ verdict: 'pass' }, { verdict: 'reject' }],
    })
    expect(await plugin.check()).toMatchObject([
      { option: 'simcontrol', remedy: 'write a line :clam=yes, or :clam=no if that is meant' },
    ])
    for (const lines of [undefined, ':clam=no\n']) expect(await under(lines).check()).toEqual([])
  })

  test('counts for whoever claims to be a sender that it names, and the check says so', async () => {
    const plugin = under(':clam=yes\nclient.test:clam=no\ntwo.test:clam=yes\n')
    expect(await plugin.message('\r\n', about)).toMatchObject({
      verdicts: [{ verdict: 'pass' }, { verdict: 'reject' }],
    })
    expect(await plugin.check()).toMatchObject([
      { option: 'simcontrol', problem: expect.stringContaining('says clam=no for client.test:') },
    ])
    const many = [1, 2, 3, 4, 5].map((each) => `d${each}.test:clam=no\n`).join('')
    const [doubt] = await under(`:clam=yes\n${many}`).check()
    expect(doubt?.problem).toContain('for d1.test, d2.test, d3.test and 2 more:')
    expect(await under(`:clam=no\n${many}`).check()).toEqual([])
  })

  test('is followed; a line with mistakes changes nothing', async () => {
    const plugin = under(':clam=yes\n')
    plugin.files.set('control/simcontrol', ':clam=no\n')
    expect(await plugin.message('\r\n', about)).toMatchObject({
      verdicts: [pass(), pass()],
    })
    plugin.files.set('control/simcontrol', ':clam=maybe\n')
    expect(plugin.log.events).toMatchObject([{ event: 'list.not-taken', fields: { line: 1 } }])
  })
})
