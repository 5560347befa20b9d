import { describe, expect, test } from 'vitest'
import { PosternError } from '../mail/errors.ts'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { exists, unlessMissing, unlessMissingNow } from './missing.ts'

const disk = fakeDisk({ '/there': 'yes' })

describe('whoever looks whether a thing is there', () => {
  test('gets what is there, and undefined for what is not', async () => {
    expect(Buffer.from((await unlessMissing(disk.readFile('/there'))) ?? []).toString()).toBe('yes')
    expect(await unlessMissing(disk.readFile('/gone'))).toBeUndefined()
    expect(unlessMissingNow(() => disk.readFileNow('/there'))).toHaveLength(3)
    expect(unlessMissingNow(() => disk.readFileNow('/gone'))).toBeUndefined()
    expect(await exists(disk, '/there')).toBe(true)
    expect(await exists(disk, '/gone')).toBe(false)
  })

  test('hears of every other trouble', async () => {
    const broken = new PosternError('DISK_FAILED', '/there')
    await expect(unlessMissing(Promise.reject(broken))).rejects.toBe(broken)
    expect(() =>
      unlessMissingNow(() => {
        throw broken
      }),
    ).toThrow(broken)
    await expect(exists({ stat: () => Promise.reject(broken) }, '/there')).rejects.toBe(broken)
  })
})
