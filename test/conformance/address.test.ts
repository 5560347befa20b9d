/** The address parser against the tables of isemail, Dovecot and smtp-proto. Where we differ, the table below says why. */
import { describe, expect, test } from 'vitest'
import { parseMailbox, parsePath } from '../../src/mail/address.ts'
import { readVectors, vectorsAreMissing } from './third-party.ts'

const smtputf8 = (text: string) => ({ smtputf8: /\P{ASCII}/u.test(text) })

describe.skipIf(vectorsAreMissing)('isemail', () => {
  interface Vectors {
    readonly tests: readonly {
      readonly address: string
      readonly category: string
      readonly diagnosis: string
    }[]
  }

  /** Legal in RFC 5321; all others are errors, or comments, folds and obsolete forms of RFC 5322 that no path may hold. */
  const legal = new Set(['ISEMAIL_VALID_CATEGORY', 'ISEMAIL_DNSWARN', 'ISEMAIL_RFC5321'])

  /** 64 octets are what everybody must take; senders of bounces (VERP, SRS) use more, so a path may have all of its 256. */
  const lenient = 'ISEMAIL_RFC5322_LOCAL_TOOLONG'

  test('every address is judged by RFC 5321', () => {
    const vectors: Vectors = JSON.parse(readVectors('smtp/isemail-tests.json'))
    expect(vectors.tests.length).toBeGreaterThan(150)
    const wrong = vectors.tests.filter(
      ({ address, category, diagnosis }) =>
        (parseMailbox(address) !== undefined) !== (legal.has(category) || diagnosis === lenient),
    )
    expect(wrong).toEqual([])
  })
})

describe.skipIf(vectorsAreMissing)('Dovecot', () => {
  interface Case {
    readonly input: string
    readonly flags?: string
    readonly localpart?: string | null
    readonly domain?: string | null
    readonly output?: string
  }
  interface Vectors {
    readonly arrays: { readonly [name: string]: readonly Case[] | undefined }
  }

  const casesOf = (name: string): readonly Case[] => {
    const vectors: Vectors = JSON.parse(readVectors('smtp/dovecot-lib-smtp-vectors.json'))
    return vectors.arrays[`test-smtp-address.c:${name}`] ?? []
  }

  /** Forms that Dovecot reads only with a flag that RFC 5321 does not know; its table lost the flag of some. */
  const lenient = new Map([
    ['', 'no address at all'],
    ['user', 'no domain'],
    ['<user>', 'no domain'],
    ['user@domain.tld', 'a path without brackets'],
    ['email@-example.com', 'a label that begins with a hyphen'],
    ['.email@example.com', 'ALLOW_BAD_LOCALPART'],
    ['email.@example.com', 'ALLOW_BAD_LOCALPART'],
    ['email..email@example.com', 'ALLOW_BAD_LOCALPART'],
    ['Abc..123@example.com', 'ALLOW_BAD_LOCALPART'],
    ['Abc..@example.com', 'ALLOW_BAD_LOCALPART'],
  ])

  const isBroken = ({ flags = '' }: Case): boolean => flags.includes('IGNORE_BROKEN')

  test('every mailbox that it reads strictly is read alike', () => {
    const cases = casesOf('valid_mailbox_parse_tests').filter(({ input }) => !lenient.has(input))
    expect(cases.length).toBeGreaterThan(12)
    expect(cases.map(({ input }) => parseMailbox(input, smtputf8(input)))).toEqual(
      cases.map(({ localpart, domain }) => ({ localPart: localpart, domain })),
    )
  })

  test('every path that it reads strictly is read alike', () => {
    const cases = casesOf('valid_path_parse_tests').filter(
      (each) => !lenient.has(each.input) && !isBroken(each),
    )
    expect(cases.length).toBeGreaterThan(5)
    expect(cases.map(({ input }) => parsePath(input, smtputf8(input)))).toEqual(
      cases.map(({ localpart, domain }) => ({
        ok: true,
        mailbox: localpart === null ? null : { localPart: localpart, domain },
        rest: '',
      })),
    )
  })

  test('every path that it calls broken is refused', () => {
    const cases = casesOf('valid_path_parse_tests').filter(
      (each) => isBroken(each) && each.localpart === null,
    )
    expect(cases.length).toBeGreaterThan(8)
    const accepted = cases.map(({ input }) => input).filter((input) => parsePath(input).ok)
    expect(new Set(accepted)).toEqual(new Set(['<>']))
  })

  test('every mailbox that it refuses is refused', () => {
    const cases = casesOf('invalid_mailbox_parse_tests')
    expect(cases.length).toBeGreaterThan(30)
    expect(cases.filter(({ input }) => parseMailbox(input) !== undefined)).toEqual([])
  })

  test('every path that it refuses is refused, but for the null path', () => {
    const cases = casesOf('invalid_path_parse_tests')
    expect(cases.length).toBeGreaterThan(60)
    const accepted = cases.filter(({ input }) => {
      const path = parsePath(input)
      return path.ok && path.rest === ''
    })
    expect(accepted.map(({ input }) => input)).toEqual(['<>'])
  })
})

describe.skipIf(vectorsAreMissing)('smtp-proto', () => {
  interface Vectors {
    readonly cases: readonly {
      readonly command: string
      readonly valid: boolean
      readonly rust_expect: string
    }[]
  }

  /** Read there, refused here: RFC 5321 §4.1.2 puts no blank into a null path and no domainless sender anywhere. */
  const lenient = new Set(['< >', '<postmaster>'])

  const cases = (): readonly { path: string; valid: boolean }[] => {
    const vectors: Vectors = JSON.parse(readVectors('smtp/command-syntax-smtp-proto.json'))
    return vectors.cases.flatMap(({ command, valid, rust_expect }) => {
      const path = /^(?:MAIL +FROM|RCPT +TO) *: *(<.*)$/.exec(command)?.[1]
      // What is wrong with a parameter is not ours to say.
      const isAboutPath = valid || /Address|SyntaxError/.test(rust_expect)
      return path === undefined || !isAboutPath || lenient.has(path) ? [] : [{ path, valid }]
    })
  }

  test('every path of a command is judged alike', () => {
    expect(cases().length).toBeGreaterThan(40)
    const wrong = cases().filter(({ path, valid }) => {
      const parsed = parsePath(path, smtputf8(path))
      return (parsed.ok && /^(?: |$)/.test(parsed.rest)) !== valid
    })
    expect(wrong).toEqual([])
  })
})
