/** PROXY headers that others test with, through a listener: whole, and split at every byte. */
import { describe, expect, test } from 'vitest'
import { parseNetworks } from '../../src/plugin/networks.ts'
import { settled, smtpStage } from '../../src/testkit/smtp-stage.ts'
import { readVectors, vectorsAreMissing } from './third-party.ts'

interface Vector {
  readonly name: string
  readonly v: 1 | 2
  readonly hex: string
  /** null: an implementation may choose. */
  readonly valid: boolean | null
  readonly expect: readonly [address: string, port: number] | string | null
}

const proxy = '198.51.100.7'
const vectors: readonly Vector[] = vectorsAreMissing
  ? []
  : (JSON.parse(readVectors('proxy-protocol.json')) as { vectors: Vector[] }).vectors

/** What we chose: a UNIX socket has no address, so the connection stays the proxy's; mail does not come by UDP. */
const chosen: Readonly<Record<string, boolean>> = { unix: true, udp: false }

async function outcome(
  pieces: readonly Buffer[],
  from: string,
): Promise<{ readonly said: string; readonly remote: unknown; readonly closed: boolean }> {
  const trusted = parseNetworks([proxy])
  const stage = await smtpStage({
    listener: { proxyNetworks: trusted.ok ? trusted.networks : undefined },
  })
  const client = await stage.dial(from)
  for (const piece of pieces) {
    client.connection.write(piece)
    await settled()
  }
  // What is incomplete is waited for, and then it is over.
  stage.clock.advance(5_000)
  await settled()
  const remote = stage.policy.opened[0]?.remote
  return { said: client.unread, remote, closed: client.closed }
}

const ehlo = Buffer.from('EHLO x\r\n')

describe.skipIf(vectorsAreMissing)('PROXY headers of other projects', () => {
  test.each(vectors)('v$v $name', async (vector) => {
    const bytes = Buffer.from(vector.hex, 'hex')
    const valid = vector.valid ?? chosen[vector.name]
    expect(valid).toBeTypeOf('boolean')
    // What `truncated` lacks would be taken from whatever follows: it comes alone.
    const rest = vector.name === 'truncated' ? Buffer.alloc(0) : ehlo
    const together = await outcome([Buffer.concat([bytes, rest])], proxy)
    expect(together).toMatchObject(valid === true ? served(vector) : closed)
    for (let at = 1; at < bytes.length; at += bytes.length > 100 ? 7 : 1) {
      const split = await outcome([bytes.subarray(0, at), bytes.subarray(at), rest], proxy)
      expect(comparable(split)).toEqual(comparable(together))
    }
  })

  test.each(vectors)('v$v $name changes nothing where nobody is trusted', async (vector) => {
    const stranger = '203.0.113.1'
    const { said, remote } = await outcome([Buffer.from(vector.hex, 'hex')], stranger)
    expect(remote).toMatchObject({ address: stranger })
    expect(said).toMatch(/^220 /)
    expect(said).toMatch(vector.name === 'noproxy' ? /\r\n250 / : /\r\n500 /)
  })
})

const closed = { said: '', remote: undefined, closed: true }

function served(vector: Vector): object {
  const named = Array.isArray(vector.expect)
    ? { address: String(vector.expect[0]), port: Number(vector.expect[1]) }
    : {}
  const own = vector.expect === 'keep real peer' || vector.name === 'unix'
  const remote = own ? { address: proxy } : named
  return { said: expect.stringMatching(/^220 .*\r\n250-/) as unknown, remote, closed: false }
}

/** A real peer's port differs from connection to connection. */
function comparable(seen: Awaited<ReturnType<typeof outcome>>): unknown {
  const { remote, ...rest } = seen
  const { address } = (remote ?? {}) as { address?: string }
  return { ...rest, address }
}
