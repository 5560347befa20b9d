/** What is written is read by OpenSSL, in Node and as the program. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { component, isMissing } from '../../test/setup/components.ts'
import * as der from './der.ts'
import { selfSignedCertificate } from './self-signed.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const made = (names: readonly [string, ...string[]], serial = Buffer.of(0xff, 0x01)): string =>
  selfSignedCertificate({
    names,
    notBefore: Date.UTC(2026, 0, 2, 3, 4, 5),
    notAfter: Date.UTC(2050, 0, 1),
    serial,
    privateKey,
    publicKey,
  })

describe('a self-signed certificate', () => {
  test('is signed by its own key, has its names and its time', () => {
    const certificate = new X509Certificate(made(['mx.test', '*.mx.test']))
    expect(certificate.verify(publicKey)).toBe(true)
    expect(certificate.checkIssued(certificate)).toBe(true)
    expect(certificate.checkPrivateKey(privateKey)).toBe(true)
    expect(certificate.ca).toBe(false)
    expect(certificate.subject).toBe('CN=mx.test')
    expect(certificate.subjectAltName).toBe('DNS:mx.test, DNS:*.mx.test')
    expect(certificate.serialNumber).toBe('FF01')
    expect(certificate.validFromDate.toISOString()).toBe('2026-01-02T03:04:05.000Z')
    expect(certificate.validToDate.toISOString()).toBe('2050-01-01T00:00:00.000Z')
  })

  test('takes any names and serial numbers', () => {
    const label = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,40}$/)
    const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'))
    const serials = fc.uint8Array({ minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(name, fc.array(name, { maxLength: 8 }), serials, (first, others, serial) => {
        const certificate = new X509Certificate(made([first, ...others], Buffer.from(serial)))
        const all = [first, ...others].map((each) => `DNS:${each}`)
        expect(certificate.subjectAltName).toBe(all.join(', '))
        expect(BigInt(`0x${certificate.serialNumber}`)).toBe(
          BigInt(`0x${Buffer.from(serial).toString('hex')}`),
        )
        expect(certificate.verify(publicKey)).toBe(true)
      }),
      { numRuns: 30 },
    )
  })
})

describe.skipIf(isMissing('openssl'))('openssl x509', () => {
  test('shows what was asked for', () => {
    const text = execFileSync(component('openssl')!.path, ['x509', '-noout', '-text'], {
      input: made(['mx.test', 'a'.repeat(63)]),
      encoding: 'utf8',
    })
    expect(text).toMatch(/Version: 3 \(0x2\)/)
    expect(text).toMatch(/Serial Number: 65281 \(0xff01\)/)
    expect(text).toMatch(/Signature Algorithm: ecdsa-with-SHA256/)
    expect(text).toMatch(/Issuer: CN = mx\.test/)
    expect(text).toMatch(/Not Before: Jan  2 03:04:05 2026 GMT/)
    expect(text).toMatch(/Not After : Jan  1 00:00:00 2050 GMT/)
    expect(text).toMatch(/X509v3 Basic Constraints: critical\s+CA:FALSE/)
    expect(text).toMatch(/X509v3 Subject Alternative Name: \s+DNS:mx\.test, DNS:a{63}\s/)
  })

  test('reads any DER that we write', () => {
    const tree = der.sequence(
      der.integer(Buffer.of(0, 0, 0x80)),
      der.integer(Buffer.of(0)),
      der.boolean(false),
      der.objectIdentifier('1.2.840.113549.1.1.11'),
      der.utf8String('ü'.repeat(200)),
      der.octetString(Buffer.alloc(70_000)),
      der.time(Date.UTC(2049, 11, 31, 23, 59, 59)),
    )
    const text = execFileSync(component('openssl')!.path, ['asn1parse', '-inform', 'DER'], {
      input: tree,
      encoding: 'utf8',
    })
    expect(text).toMatch(/l=\s*2 prim: INTEGER {11}:80\n/)
    expect(text).toMatch(/l=\s*1 prim: INTEGER {11}:00\n/)
    expect(text).toMatch(/prim: BOOLEAN {11}:0\n/)
    expect(text).toMatch(/OBJECT {12}:sha256WithRSAEncryption\n/)
    expect(text).toMatch(/l= 400 prim: UTF8STRING/)
    expect(text).toMatch(/l=70000 prim: OCTET STRING/)
    expect(text).toMatch(/UTCTIME {11}:491231235959Z\n/)
  })
})
