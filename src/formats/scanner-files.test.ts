import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isMeant, parseQuarantineEvents } from './quarantine-events.ts'
import { parseSimcontrol, simOptionsFor } from './simcontrol.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const address = (text: string) => ({
  localPart: text.slice(0, text.lastIndexOf('@')),
  domain: text.slice(text.lastIndexOf('@') + 1),
})

describe('simcontrol', () => {
  const sample = `postmaster@example.com:clam=yes,spam=no,attach=.txt:.com
example.com:clam=no,spam=yes,attach=.MP3
# a comment
test-list@example.com:spam_hits=3
:clam=yes,spam=yes,trophie=yes,spam_hits=20.1,spam_passthru=no,regex=a.b:c`
  const { value, mistakes } = parseSimcontrol(bytes(sample))
  const holds = (recipient: string, sender?: string, control = value) =>
    simOptionsFor(control, sender === undefined ? undefined : address(sender), address(recipient))
  const controlOf = (text: string) => parseSimcontrol(bytes(text)).value

  test('is read as simscan reads it', () => {
    expect(mistakes).toEqual([])
    expect(holds('bob@example.org')).toEqual({
      clam: true,
      spam: true,
      trophie: true,
      spamHits: 20.1,
      spamPassthru: false,
      regex: ['a.b', 'c'],
    })
  })

  test('of an address that is nothing but dashes not every piece is looked up', () => {
    const dashes = `${'-'.repeat(200)}x`
    const control = controlOf(`${dashes}@a.test:spam=yes\n${'-'.repeat(100)}@a.test:clam=yes\n`)
    expect(holds(`${dashes}@a.test`, undefined, control)).toEqual({ spam: true })
  })

  test('the nearest line that says something counts: address, domain, everybody', () => {
    expect(holds('Postmaster@EXAMPLE.com')).toMatchObject({
      clam: true,
      spam: false,
      attach: ['.txt', '.com'],
      spamHits: 20.1,
    })
    expect(holds('bob@example.com')).toMatchObject({ clam: false, spam: true, attach: ['.mp3'] })
    expect(holds('bob@example.org')?.attach).toBeUndefined()
  })

  test('an address with extensions has the lines of what it extends, the longest last', () => {
    const lines = 'test@a:spam_hits=1,clam=no\ntest-list@a:spam_hits=2\ntest-list-owner@a:spam=no\n'
    const said = holds('test-list-owner@a', undefined, controlOf(lines))
    expect(said).toEqual({ spamHits: 2, clam: false, spam: false })
    expect(holds('test-li@a', undefined, controlOf(lines))).toEqual({ spamHits: 1, clam: false })
  })

  test('the sender is looked up first, then the recipient', () => {
    const lines =
      ':clam=yes,attach=.z,regex=x\nout.test:clam=no,spam_hits=3,attach=.a\nin.test:spam_hits=4,attach=.b,regex=y\n'
    const control = controlOf(lines)
    expect(holds('bob@in.test', 'al@out.test', control)).toEqual({
      clam: false,
      spamHits: 4,
      attach: ['.a', '.b'],
      regex: ['x', 'y'],
    })
    expect(holds('bob@else.test', undefined, control)).toEqual({
      clam: true,
      attach: ['.z'],
      regex: ['x'],
    })
  })

  test('says nothing of whom it does not name, and of nobody where it is missing', () => {
    expect(holds('bob@b', 'al@a', controlOf('c:clam=yes\n'))).toBeUndefined()
    expect(holds('bob@b', undefined, parseSimcontrol(undefined).value)).toBeUndefined()
    expect(holds('bob@', undefined, controlOf(':clam=yes\n'))).toEqual({ clam: true })
  })

  test.each([
    ['nothing', 'write key:option=value,option=value'],
    ['a@b:clam=perhaps', 'write clam=yes or clam=no'],
    ['a@b:spam_hits=many', 'write spam_hits=7.5, a number'],
    [
      'a@b:virus=yes',
      'virus is no option: clam, spam, trophie, spam_hits, spam_passthru, attach, regex',
    ],
  ])('%s is a mistake', (line, remedy) => {
    expect(parseSimcontrol(bytes(`:clam=yes\n${line}\n`)).mistakes).toEqual([
      { line: 2, text: line, remedy },
    ])
  })

  test('leaves out an expression that is none, and says so', () => {
    const { value, mistakes } = parseSimcontrol(bytes('a@b:regex=(a:b\n'))
    expect(value.get('a@b')?.options).toEqual({ regex: ['b'] })
    expect(mistakes).toMatchObject([
      { line: 1, remedy: expect.stringMatching(/^\(a is no expression: /) },
    ])
  })

  test('of any bytes is read', () => {
    const pieces = fc.constantFrom(
      ':',
      ',',
      '=',
      'clam',
      'yes',
      'attach',
      '.exe',
      '\n',
      '#',
      '@',
      'é',
      ' ',
      '\0',
    )
    fc.assert(
      fc.property(fc.array(pieces), (all) => {
        const read = parseSimcontrol(bytes(all.join('')))
        for (const { line } of read.mistakes) expect(line).toBeGreaterThan(0)
        expect(read.value.size).toBeLessThanOrEqual(all.length)
      }),
    )
  })
})

describe('quarantine-events.txt', () => {
  const sample = `# Qmail-Scanner
eicar.com	69	EICAR Test Virus
.vbs	0	VBS files not allowed per Company security policy
ILOVEYOU	Virus-Subject:	Love Letter Virus/Trojan
message/partial.*	Virus-Content-Type:	Message/partial MIME attachments blocked by policy
.{100,}	Virus-Date:	MIME Header Buffer Overflow
`
  const { value, mistakes } = parseQuarantineEvents(bytes(sample))
  const [eicar, vbs, love, partial, overflow] = value

  test('holds names with sizes, and expressions for fields', () => {
    expect(mistakes).toEqual([])
    expect(value).toMatchObject([
      { kind: 'file', line: 2, name: 'eicar.com', sizeBytes: 69, description: 'EICAR Test Virus' },
      { kind: 'file', line: 3, name: '.vbs', sizeBytes: 0 },
      { kind: 'header', line: 4, header: 'subject' },
      { kind: 'header', line: 5, header: 'content-type' },
      { kind: 'header', line: 6, header: 'date' },
    ])
  })

  test.each([
    [eicar, 'Eicar.com', 69, true],
    [eicar, 'eicar.com', 68, false],
    [eicar, 'xeicar.com', 69, false],
    [vbs, 'Love.TXT.VBS', 5, true],
    [vbs, 'vbs', 5, false],
  ])('%#: %s of %i bytes', (event, name, size, meant) => {
    expect(event?.kind === 'file' && isMeant(event, name, size)).toBe(meant)
  })

  test('fits whole values, without regard to case', () => {
    const fits = (event: typeof love, text: string) =>
      event?.kind === 'header' && event.matches(text)
    expect([fits(love, 'iloveyou'), fits(love, 'Re: ILOVEYOU')]).toEqual([true, false])
    expect(fits(partial, 'Message/Partial; id="x"; number=1')).toBe(true)
    expect([fits(overflow, 'x'.repeat(99)), fits(overflow, 'x'.repeat(100))]).toEqual([false, true])
  })

  test.each([
    ['eicar.com 69 no tabs', /three columns/],
    ['a\tVirus\tb', /Virus is neither a size/],
    ['(a\tVirus-Subject:\tb', /is no expression/],
    ['a\t5\t', /three columns/],
  ])('%j is a mistake', (line, remedy) => {
    const read = parseQuarantineEvents(bytes(`\n${line}`))
    expect(read).toMatchObject({
      value: [],
      mistakes: [{ line: 2, remedy: expect.stringMatching(remedy) }],
    })
  })

  test('of any bytes is read', () => {
    const pieces = fc.constantFrom(
      '\t',
      'a',
      '.',
      '0',
      '9',
      'Virus-X:',
      '(',
      '*',
      '\n',
      '#',
      'é',
      ' ',
    )
    fc.assert(
      fc.property(fc.array(pieces), (all) => {
        const read = parseQuarantineEvents(bytes(all.join('')))
        expect(read.value.length + read.mistakes.length).toBeLessThanOrEqual(all.length + 1)
      }),
    )
  })
})
