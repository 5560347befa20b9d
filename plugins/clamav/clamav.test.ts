import { describe, expect, test } from 'vitest'
import type { JsonObject, Net, NetAddress } from 'postern/plugin'
import {
  fakeNet,
  memoryMessage,
  pluginUnderTest,
  scriptedPeer,
  type ScriptedPeer,
} from 'postern/testkit'
import { clamav } from './clamav.ts'
import { scanAnswer, signaturesAt } from './clamd.ts'

const message = 'Subject: hello\r\n\r\nworld\r\n'
const one: NetAddress = { host: '127.0.0.1', port: 3310 }
const two: NetAddress = { path: '/run/two.sock' }

type Play = (peer: ScriptedPeer) => Promise<void> | void

/** A clamd for each address; each connection is played from the beginning. */
async function clamds(plays: readonly (readonly [NetAddress, Play])[]): Promise<Net> {
  const net = fakeNet()
  for (const [address, play] of plays) {
    await net.listen({
      address,
      accepted: (connection) => void play(scriptedPeer(connection)),
      failed: () => undefined,
    })
  }
  return net
}

/** Takes the whole message, as clamd does. */
async function takeMessage(peer: ScriptedPeer): Promise<string> {
  expect(await peer.take('zINSTREAM\0'.length)).toBe('zINSTREAM\0')
  let whole = ''
  for (;;) {
    const length = Buffer.from((await peer.take(4)) ?? '\0\0\0\0', 'latin1').readUInt32BE()
    if (length === 0) return whole
    whole += (await peer.take(length)) ?? ''
  }
}

const says =
  (reply: string): Play =>
  async (peer) => {
    await takeMessage(peer)
    peer.say(reply)
    peer.hangUp()
  }

async function under(plays: readonly (readonly [NetAddress, Play])[], options: JsonObject = {}) {
  return pluginUnderTest(clamav, {
    options: { servers: ['127.0.0.1:3310'], ...options },
    doors: { net: await clamds(plays) },
  })
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
}

describe('clamav', () => {
  test('asks about those for whom simcontrol says clam=yes, and not at all where there is none', async () => {
    const net = await clamds([[one, says('stream: Eicar FOUND\0')]])
    const plugin = pluginUnderTest(clamav, {
      options: { servers: ['127.0.0.1:3310'] },
      doors: { net },
      files: { 'control/simcontrol': ':clam=yes\nlab.test:clam=no\n' },
    })
    const recipients = ['a@lab.test', 'b@other.test']
    expect(await plugin.message(message, { recipients })).toMatchObject({
      verdict: 'per-recipient',
      verdicts: [{ verdict: 'pass' }, { verdict: 'reject', reason: 'VIRUS' }],
      findings: [{ value: { result: 'infected' } }],
    })
    const lab = ['a@lab.test', 'b@lab.test']
    expect(await plugin.message(message, { recipients: lab })).toEqual({
      verdict: 'pass',
      reason: 'SIMCONTROL',
    })
  })

  test('passes a message that clamd calls clean, and says so to later entries', async () => {
    let heard = ''
    const plugin = await under([
      [
        one,
        async (peer) => {
          heard = await takeMessage(peer)
          peer.say('stream: OK\0')
        },
      ],
    ])
    expect(await plugin.message(message)).toMatchObject({
      verdict: 'pass',
      findings: [{ name: 'virus-scan', value: { result: 'clean', scanner: 'clamav' } }],
    })
    expect(heard).toBe(message)
  })

  test('refuses a message in which clamd finds something, and names it', async () => {
    const plugin = await under([[one, says('stream: Eicar-Signature FOUND\0')]])
    expect(await plugin.message(message)).toMatchObject({
      verdict: 'reject',
      status: '5.7.1',
      text: 'Your email was rejected because it contains the Eicar-Signature virus',
      reason: 'VIRUS',
      findings: [{ value: { result: 'infected', signature: 'Eicar-Signature' } }],
    })
  })

  test.each(['quarantine', 'discard'])('can %s it instead', async (infected) => {
    const plugin = await under([[one, says('stream: X FOUND\0')]], { infected })
    expect(await plugin.message(message)).toMatchObject({ verdict: infected, reason: 'VIRUS' })
  })

  test('can tag it, over what a stranger wrote there', async () => {
    const plugin = await under([[one, says('stream: X Y FOUND\0')]], { infected: 'tag' })
    expect(await plugin.message(message)).toMatchObject({
      verdict: 'pass',
      headerEdits: [
        { edit: 'remove', name: 'X-Virus-Status' },
        { edit: 'prepend', name: 'X-Virus-Status', value: 'Infected (X?Y)' },
      ],
    })
  })

  test('treats signatures that only suspect something as the operator says', async () => {
    const plugin = await under([[one, says('stream: Heuristics.Encrypted.Zip FOUND\0')]], {
      suspicious: ['Heuristics.'],
    })
    expect(await plugin.message(message)).toMatchObject({
      verdict: 'quarantine',
      reason: 'VIRUS_SUSPECTED',
    })
  })

  test('does not send what is too large, and refuses it', async () => {
    const plugin = await under([], { max_size: 10 })
    expect(await plugin.message(message)).toMatchObject({ verdict: 'reject', status: '5.3.4' })
  })

  test('warns the operator who lets large messages through', async () => {
    expect(await (await under([])).check()).toEqual([])
    const open = await under([], { too_large: 'pass' })
    expect(await open.check()).toMatchObject([{ option: 'too_large' }])
  })

  test('stops sending where clamd says that it is too large, and does as configured', async () => {
    const plugin = await under(
      [
        [
          one,
          async (peer) => {
            await peer.take(100_000)
            peer.say('INSTREAM size limit exceeded. ERROR\0')
            peer.hangUp()
          },
        ],
      ],
      { too_large: 'quarantine' },
    )
    const large = memoryMessage(`Subject: large\r\n\r\n${'x'.repeat(2_000_000)}`)
    expect(await plugin.message(large)).toMatchObject({
      verdict: 'quarantine',
      reason: 'VIRUS_SCAN_TOO_LARGE',
    })
  })

  const sick: readonly (readonly [what: string, play: Play])[] = [
    ['closes without a word', says('')],
    ['closes at once', (peer) => peer.hangUp()],
    ['says half a reply', says('stream: OK')],
    ['says nonsense', says('HTTP/1.1 200 OK\0')],
    ['says nothing', says('\0')],
    ['finds nothing that has a name', says('stream:  FOUND\0')],
    ['reports an error', says('stream: Can’t allocate memory ERROR\0')],
    ['never ends its line', says(`stream: ${'x'.repeat(5000)}`)],
    [
      'is restarted in the middle',
      async (peer) => {
        await peer.take(20)
        peer.hangUp()
      },
    ],
  ]

  test.each(sick)('a clamd that %s is a fault, neither clean nor infected', async (_, play) => {
    const plugin = await under([[one, play]])
    await expect(plugin.message(message)).rejects.toThrow('127.0.0.1:3310')
  })

  test.each(sick)('where one %s, the next one decides', async (_, play) => {
    const plugin = await under(
      [
        [one, play],
        [two, says('stream: OK\0')],
      ],
      { servers: ['127.0.0.1:3310', '/run/two.sock'] },
    )
    expect(await plugin.message(message)).toMatchObject({ verdict: 'pass' })
  })

  test('a clamd that calls clean what it has not read is a fault, one that finds something before the end is believed', async () => {
    const after = (said: string): Play => {
      return async (peer) => {
        await peer.take(100_000)
        peer.say(said)
        peer.hangUp()
      }
    }
    const large = memoryMessage(`Subject: large\r\n\r\n${'x'.repeat(2_000_000)}`)
    const hasty = await under([[one, after('stream: OK\0')]])
    await expect(hasty.message(large)).rejects.toThrow('calls clean what it has not read')
    const sure = await under([[one, after('stream: Eicar FOUND\0')]])
    expect(await sure.message(large)).toMatchObject({ verdict: 'reject', reason: 'VIRUS' })
  })

  test('a clamd that is down is a fault', async () => {
    const plugin = await under([])
    await expect(plugin.message(message)).rejects.toThrow('cannot be reached')
  })

  test('a clamd that hangs is given up after its patience, and then asked last', async () => {
    let asked = 0
    const hangs: Play = async (peer) => {
      asked += 1
      await takeMessage(peer)
    }
    const plugin = await under(
      [
        [one, hangs],
        [two, says('stream: OK\0')],
      ],
      { servers: ['127.0.0.1:3310', '/run/two.sock'] },
    )
    const verdict = plugin.message(message)
    await settle()
    plugin.clock.advance(40_000)
    expect(await verdict).toMatchObject({ verdict: 'pass' })
    expect(await plugin.message(message)).toMatchObject({ verdict: 'pass' })
    expect(asked).toBe(1)
    // Nobody would notice that the one is all there is left.
    const labels = { entry: 'clamav', server: '127.0.0.1:3310' }
    expect(await plugin.metrics.value('postern_plugin_clamav_server_resting', labels)).toBe(1)
    expect(plugin.clock.pending).toBe(0)
  })

  test('a clamd that takes nothing more is given up, and no more than a buffer is read for it', async () => {
    const net = fakeNet()
    await net.listen({ address: one, accepted: () => undefined, failed: () => undefined })
    const plugin = pluginUnderTest(clamav, {
      options: { servers: ['127.0.0.1:3310'] },
      doors: { net },
    })
    const large = memoryMessage(`Subject: large\r\n\r\n${'x'.repeat(5_000_000)}`)
    let readBytes = 0
    const counted = {
      ...large,
      header: large.header,
      async *read() {
        for await (const chunk of large.read()) {
          readBytes += chunk.length
          yield chunk
        }
      },
    }
    const verdict = plugin.message(counted)
    await settle()
    plugin.clock.advance(40_000)
    await expect(verdict).rejects.toThrow('took nothing')
    expect(readBytes).toBeLessThan(300_000)
    expect(net.open).toBe(0)
  })

  test('must answer PING before it gets a message again', async () => {
    const words: string[] = []
    let well = false
    const play: Play = async (peer) => {
      const word = (await peer.take(6)) ?? ''
      words.push(word)
      if (word === 'zPING\0') peer.say(well ? 'PONG\0' : 'WHAT\0')
      else if (well) {
        await peer.take('REAM\0'.length - 1)
        for (;;) {
          const length = Buffer.from((await peer.take(4)) ?? '\0\0\0\0', 'latin1').readUInt32BE()
          if (length === 0) break
          await peer.take(length)
        }
        peer.say('stream: OK\0')
      } else peer.hangUp()
    }
    const plugin = await under([[one, play]])
    await expect(plugin.message(message)).rejects.toThrow('hung up')
    await expect(plugin.message(message)).rejects.toThrow('WHAT')
    well = true
    expect(await plugin.message(message)).toMatchObject({ verdict: 'pass' })
    expect(words).toEqual(['zINSTR', 'zPING\0', 'zPING\0', 'zINSTR'])
    const told = plugin.log.events.map(({ event }) => event)
    expect(told.filter((event) => event.startsWith('peer.'))).toEqual(['peer.failed', 'peer.back'])
  })

  test('can be probed: it answers what every clamd calls itself', async () => {
    const plugin = await under([
      [
        one,
        async (peer) => {
          expect(await peer.take('zVERSION\0'.length)).toBe('zVERSION\0')
          peer.say('ClamAV 1.4.3/27451/today\0')
        },
      ],
    ])
    expect(await plugin.probe()).toBe('127.0.0.1:3310: ClamAV 1.4.3/27451/today')
  })

  test('says how old the signatures are, and asks again now and then', async () => {
    const answers = ['ClamAV 1.4.3/27451/Fri Nov 20 08:30:00 2026', 'ClamAV 1.4.3']
    let asked = 0
    const plugin = await under([
      [
        one,
        async (peer) => {
          await peer.take('zVERSION\0'.length)
          peer.say(`${answers[asked++] ?? ''}\0`)
        },
      ],
    ])
    const labels = { entry: 'clamav', server: '127.0.0.1:3310' }
    const known = () =>
      plugin.metrics.value('postern_plugin_clamav_signatures_timestamp_seconds', labels)
    await plugin.open()
    await settle()
    expect(await known()).toBe(Date.parse('Fri Nov 20 08:30:00 2026') / 1000)
    plugin.clock.advance(600_000)
    await settle()
    expect(asked).toBe(2)
    await plugin.close()
    plugin.clock.advance(600_000)
    await settle()
    expect(asked).toBe(2)
  })

  test('knows no date that clamd does not write', () => {
    for (const said of [
      'ClamAV 1.4.3',
      'ClamAV 1.4.3/1/',
      'ClamAV x/1/soon and very soon indeed',
      '',
    ]) {
      expect(signaturesAt(said)).toBeUndefined()
    }
  })

  test('counts what clamd said', async () => {
    const plugin = await under([[one, says('stream: Eicar FOUND\0')]])
    await plugin.message(message)
    const value = (result: string) =>
      plugin.metrics.value('postern_plugin_clamav_results_total', { entry: 'clamav', result })
    expect([await value('found'), await value('clean')]).toEqual([1, 0])
  })

  test('believes no reply but those of clamd', () => {
    expect(scanAnswer('stream: OK')).toEqual({ answer: 'clean' })
    expect(scanAnswer('stream: A FOUND')).toEqual({ answer: 'found', signature: 'A' })
    for (const reply of ['', 'OK', 'stream: OK ', 'stream: OK FOUND OK', 'x stream: OK', 'FOUND']) {
      expect(scanAnswer(reply)).toBeUndefined()
    }
  })
})
