import { X509Certificate } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemDisk } from '../runtime/node/disk.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { nodeNet } from '../runtime/node/net.ts'
import { systemRandom } from '../runtime/node/random.ts'
import { tlsIdentity } from '../testkit/tls-identity.ts'
import { ownCertificate, ownCertificatePath } from './own-certificate.ts'

const doors = { disk: systemDisk, clock: systemClock, random: systemRandom }
let root: string
let folder: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'postern-tls-'))
  folder = join(root, 'var/tls')
})

afterEach(() => rm(root, { recursive: true }))

const own = (hostname = 'mx.test') => ownCertificate({ folder, hostname }, doors)

describe('our own certificate', () => {
  test('is made where there is none, for our name, for ten years', async () => {
    const identity = await own()
    const certificate = new X509Certificate(identity.certificate)
    expect(certificate.subjectAltName).toBe('DNS:mx.test')
    expect(certificate.verify(certificate.publicKey)).toBe(true)
    const leftMs = certificate.validToDate.getTime() - systemClock.now()
    expect(leftMs / 86_400_000).toBeCloseTo(3650, 0)
    expect(certificate.validFromDate.getTime()).toBeLessThan(systemClock.now())
    expect(nodeNet.tlsContext(identity)).toBeDefined()
  })

  test('lies in two files that nobody else may read', async () => {
    const identity = await own()
    expect(ownCertificatePath({ folder, hostname: 'mx.test' })).toBe(join(folder, 'mx.test.pem'))
    expect(await readFile(join(folder, 'mx.test.pem'), 'utf8')).toBe(identity.certificate)
    expect(await readFile(join(folder, 'mx.test.key'), 'utf8')).toBe(identity.key)
    for (const name of await readdir(folder)) {
      // oxlint-disable-next-line no-await-in-loop -- three files
      const { mode } = await stat(join(folder, name))
      expect(name === 'lock' ? 0o600 : mode & 0o777).toBe(0o600)
    }
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
  })

  test('is kept', async () => {
    expect(await own()).toEqual(await own())
  })

  test('is another one where our name is another', async () => {
    const first = await own()
    const second = await own('other.test')
    expect(new X509Certificate(second.certificate).subject).toBe('CN=other.test')
    expect(await own()).toEqual(first)
  })

  test('is one, though several ask for it at once', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => own()))
    expect(new Set(all.map(({ certificate }) => certificate)).size).toBe(1)
  })

  test('is made anew a month before it expires, and where its files are broken', async () => {
    await own()
    const path = (name: string): string => join(folder, name)
    const expiring = tlsIdentity(['mx.test'], systemClock.now() + 29 * 86_400_000)
    const fine = tlsIdentity(['mx.test'])
    for (const [certificate, key] of [
      [expiring.certificate, expiring.key],
      [fine.certificate, expiring.key],
      ['', fine.key],
      [fine.certificate, 'none'],
    ] as const) {
      // oxlint-disable no-await-in-loop -- one after the other
      await writeFile(path('mx.test.pem'), certificate)
      await writeFile(path('mx.test.key'), key)
      const made = await own()
      expect([expiring.certificate, fine.certificate]).not.toContain(made.certificate)
      expect(await own()).toEqual(made)
      // oxlint-enable no-await-in-loop
    }
    await writeFile(path('mx.test.pem'), fine.certificate)
    await writeFile(path('mx.test.key'), fine.key)
    expect(await own()).toEqual(fine)
  })

  test('that cannot be written is an error that names the path', async () => {
    await writeFile(join(root, 'var'), 'a file')
    await expect(own()).rejects.toMatchObject({
      code: 'DISK_FAILED',
      message: expect.stringContaining('var/tls'),
    })
  })
})
