import { describe, expect, test } from 'vitest'
import { processCounters } from '../runtime/node/counters.ts'
import { after, type MaybePromise } from '../mail/maybe-promise.ts'
import { fakeClock, type FakeClock } from '../testkit/fake-clock.ts'
import { settled } from '../testkit/smtp-stage.ts'
import { recordingLog } from '../testkit/recording-log.ts'
import { formatReply } from '../mail/reply.ts'
import {
  Admission,
  limitsFor,
  Place,
  type AdmissionDoors,
  type ConnectionLimits,
} from './admission.ts'
import type { ClientLimits } from './policy.ts'

const wide: ConnectionLimits = { maxConnections: 100, maxConnectionsPerAddress: 100 }

function stage(limits: Partial<ConnectionLimits>, host: Partial<AdmissionDoors['process']> = {}) {
  const clock = fakeClock()
  const log = recordingLog()
  const counters = processCounters()
  const process = { loadAverage: () => 0, descriptors: () => undefined, ...host }
  const admission = new Admission('mx', { ...wide, ...limits }, { clock, counters, process, log })
  /** @returns the place, or what is said instead */
  const come = async (address: string): Promise<Place | string> => {
    const place = await patient(admission.enter(), clock)
    if (!(place instanceof Place)) return formatReply(place.reply).trimEnd()
    const refusal = await patient(admission.identify(place, address), clock)
    return refusal === undefined ? place : formatReply(refusal.reply).trimEnd()
  }
  return { admission, clock, log, counters, come }
}

/** Whoever is not answered at once waits for the second look. */
function patient<T>(answer: MaybePromise<T>, clock: FakeClock): MaybePromise<T> {
  if (answer instanceof Promise) clock.advance(100)
  return answer
}

describe('limits for a network', () => {
  test('count all addresses of a /24 together, and those of a /64', async () => {
    const { come } = stage({ maxConnectionsPerNetwork: 2 })
    for (const [one, two, three, other] of [
      ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.3.1'],
      ['2001:db8::1', '2001:db8::2', '2001:db8::ffff:1', '2001:db8:0:1::1'],
    ] as const) {
      expect(await come(one)).toBeInstanceOf(Place)
      const second = await come(two)
      expect(await come(three)).toBe('421 4.7.0 Too many connections from your network')
      expect(await come(other)).toBeInstanceOf(Place)
      if (second instanceof Place) second.leave()
      expect(await come(three)).toBeInstanceOf(Place)
    }
  })

  test('may have other prefix lengths', async () => {
    const { come } = stage({ maxConnectionsPerNetwork: 1, networkBits: { ipv4: 16, ipv6: 48 } })
    expect(await come('192.0.2.1')).toBeInstanceOf(Place)
    expect(await come('192.0.99.1')).toContain('421')
    expect(await come('2001:db8::1')).toBeInstanceOf(Place)
    expect(await come('2001:db8:0:1::1')).toContain('421')
  })

  test('leave nothing counted of those who were refused', async () => {
    const { come, counters } = stage({ maxConnectionsPerNetwork: 1 })
    const first = await come('192.0.2.1')
    await come('192.0.2.2')
    expect(counters.count('smtp:mx')).toBe(1)
    expect(counters.count('smtp:mx:192.0.2.2')).toBe(0)
    if (first instanceof Place) first.leave()
    expect(counters.count('smtp:mx')).toBe(0)
    expect(await come('192.0.2.2')).toBeInstanceOf(Place)
  })

  test('do not hold for clients by a UNIX socket, which have no address', async () => {
    const { come } = stage({ maxConnectionsPerAddress: 1, maxConnectionsPerNetwork: 1 })
    expect(await come('unix')).toBeInstanceOf(Place)
    expect(await come('unix')).toBeInstanceOf(Place)
  })
})

describe('a limit that is reached', () => {
  const entered = (admission: Admission): Place => {
    const place = admission.enter()
    if (!(place instanceof Place)) throw new Error('nobody is let in')
    return place
  }

  test('is looked at once more: whoever leaves may be on the way out', async () => {
    const { admission, clock } = stage({ maxConnections: 2, maxConnectionsPerAddress: 1 })
    const first = entered(admission)
    expect(admission.identify(first, '192.0.2.1')).toBeUndefined()
    const second = admission.identify(entered(admission), '192.0.2.1')
    const third = admission.enter()
    first.leave()
    clock.advance(99)
    const answers: unknown[] = []
    void after(second, (answer) => answers.push(answer))
    void after(third, (answer) => answers.push(answer))
    await settled()
    expect(answers).toEqual([])
    clock.advance(1)
    expect(await second).toBeUndefined()
    expect(await third).toBeInstanceOf(Place)
  })

  test('is not waited for by more than a hundred', async () => {
    const { admission, clock } = stage({ maxConnections: 1 })
    entered(admission)
    const waiting = Array.from({ length: 100 }, () => admission.enter())
    expect(waiting.every((answer) => answer instanceof Promise)).toBe(true)
    expect(admission.enter()).toMatchObject({ limit: 'connections' })
    clock.advance(100)
    for (const answer of waiting) expect(await answer).toMatchObject({ limit: 'connections' })
    expect(admission.enter()).toBeInstanceOf(Promise)
  })

  test('counts a client that has ended its session among all, and no longer as one of its address', () => {
    const limits = { maxConnections: 2, maxConnectionsPerAddress: 1, maxConnectionsPerNetwork: 1 }
    const { admission, counters } = stage(limits)
    const first = entered(admission)
    expect(admission.identify(first, '192.0.2.1')).toBeUndefined()
    first.release()
    expect(admission.identify(entered(admission), '192.0.2.1')).toBeUndefined()
    expect(counters.count('smtp:mx')).toBe(2)
    expect(admission.enter()).toBeInstanceOf(Promise)
    first.leave()
    expect(counters.count('smtp:mx')).toBe(1)
    expect(counters.count('smtp:mx:192.0.2.1')).toBe(1)
  })
})

describe('a limit for the load', () => {
  test('lets nobody in while the load average is above it', async () => {
    const host = { load: 2 }
    const { come, clock } = stage({ maxLoad: 1.5 }, { loadAverage: () => host.load })
    expect(await come('192.0.2.1')).toBe('421 4.3.2 Too busy, come back later')
    host.load = 1.5
    clock.advance(1_000)
    expect(await come('192.0.2.1')).toBeInstanceOf(Place)
  })
})

test('an operator may choose the words, and the code stays ours', async () => {
  const { come } = stage({
    maxConnectionsPerAddress: 1,
    limitTexts: { address: 'postern.test has enough of you' },
  })
  await come('192.0.2.1')
  expect(await come('192.0.2.1')).toBe('421 4.7.0 postern.test has enough of you')
})

describe('the limits of one client', () => {
  const come = (client: ClientLimits, host: Partial<AdmissionDoors['process']> = {}) => {
    const { admission, clock } = stage({ maxLoad: 1, maxConnectionsPerAddress: 2 }, host)
    return async (address: string): Promise<string | undefined> => {
      const limits = limitsFor({ ...wide, maxLoad: 1, maxConnectionsPerAddress: 2 }, client)
      const place = admission.enter()
      if (!(place instanceof Place)) throw new Error('the listener is full')
      const refusal = await patient(admission.identify(place, address, limits), clock)
      return refusal === undefined ? undefined : formatReply(refusal.reply).trimEnd()
    }
  }

  test('stand in place of the listener’s', async () => {
    const limited = come({ maxConnectionsPerAddress: 1 })
    expect(await limited('192.0.2.1')).toBeUndefined()
    expect(await limited('192.0.2.1')).toBe('421 4.7.0 Too many connections from your address')
    expect(await come({ maxConnectionsPerAddress: 0 })('192.0.2.1')).toMatch(/^421 4\.7\.0 /)
    expect(await come({ maxConnectionsPerNetwork: 0 })('192.0.2.1')).toMatch(/^421 4\.7\.0 /)
  })

  test('may let a client in under load, and keep another one out', async () => {
    const busy = { loadAverage: () => 2 }
    expect(await come({}, busy)('192.0.2.1')).toBe('421 4.3.2 Too busy, come back later')
    expect(await come({ maxLoad: Number.POSITIVE_INFINITY }, busy)('192.0.2.1')).toBeUndefined()
  })

  test.each([
    ['mx is full', '421 4.7.0 mx is full'],
    ['421 mx is full', '421 4.7.0 mx is full'],
    ['450 mx is full', '421 4.7.0 mx is full'],
    ['554 never again', '554 5.7.0 never again'],
    ['', '421 4.7.0 Too many connections from your address'],
  ])('are told in the words %j', async (address, said) => {
    const limited = come({ maxConnectionsPerAddress: 0, texts: { address } })
    expect(await limited('192.0.2.1')).toBe(said)
  })
})

describe('when file descriptors run short', () => {
  const limit = 100

  test('nobody is let in for a second at a time, and it is said once', async () => {
    const files = { open: 90 }
    const { come, clock, log } = stage({}, { descriptors: () => ({ open: files.open, limit }) })
    for (let count = 0; count < 5; count++) {
      expect(await come('192.0.2.1')).toBe('421 4.3.2 Too busy, come back later')
    }
    files.open = 20
    expect(await come('192.0.2.1')).toContain('421')
    clock.advance(1_000)
    expect(await come('192.0.2.1')).toBeInstanceOf(Place)
    const events = log.events.map(({ event }) => event)
    expect(events).toEqual(['accept.out-of-descriptors', 'accept.resumed'])
  })

  test('it is seen before they are gone, with few looks', async () => {
    const looks = { count: 0 }
    const files = { open: 20 }
    const descriptors = () => {
      looks.count += 1
      return { open: files.open, limit }
    }
    const { come } = stage({}, { descriptors })
    let admitted = 0
    while ((await come('192.0.2.1')) instanceof Place) {
      admitted += 1
      files.open += 1
    }
    expect(files.open).toBeLessThan(limit - 30)
    expect(admitted).toBeGreaterThan(40)
    expect(looks.count).toBeLessThan(12)
  })
})

test('a count that is kept elsewhere is waited for', async () => {
  const { clock, log } = stage({})
  const local = processCounters()
  // As counters across processes answer.
  const counters = {
    take: async (key: string, most: number) => local.take(key, most),
    give: (key: string) => local.give(key),
  }
  const process = { loadAverage: () => 0, descriptors: () => undefined }
  const limits = { ...wide, maxConnectionsPerAddress: 1 }
  const admission = new Admission('mx', limits, { clock, counters, process, log })
  const come = async () => {
    const place = await admission.enter()
    if (!(place instanceof Place)) return place
    return admission.identify(place, '192.0.2.1')
  }
  expect(await come()).toBeUndefined()
  const second = come()
  await settled()
  clock.advance(100)
  expect(await second).toMatchObject({ limit: 'address' })
  expect(local.count('smtp:mx')).toBe(1)
})
