/** Command lines and parameters, against the tables of smtp-proto and Dovecot. Where we differ, a table here says why. */
import { describe, expect, test } from 'vitest'
import type { Extension } from '../../src/mail/extensions.ts'
import { parseLine } from '../../src/smtp/command.ts'
import { parseMailParameters, parseRcptParameters } from '../../src/smtp/parameters.ts'
import { clientAfter } from './smtp-client.ts'
import { readVectors, vectorsAreMissing } from './third-party.ts'

describe.skipIf(vectorsAreMissing)('smtp-proto', () => {
  interface Vectors {
    readonly cases: readonly { readonly command: string; readonly valid: boolean }[]
  }

  /** Commands that not every listener speaks, if any does. */
  const notEverywhere = /^(?:LHLO|EXPN|ETRN|ATRN|BURL)\b/
  /** Parameters of extensions that we do not offer: a right value is refused like a wrong one. */
  const notOffered =
    / (?:REQUIRETLS|BY|HOLDUNTIL|HOLDFOR|SOLICIT|TRANSID|MTRK|MT-PRIORITY|RRVS|CONNEG|CONPERM)\b/
  /** Read there, refused here. */
  const stricter = new Map([
    ['VRFY "Hello\\" Wo\\\\\rld"', 'a CR stands in no command'],
    ['MAIL  FROM : <>', 'no blank before the colon (RFC 5321 §3.3)'],
    ['MAIL  FROM : <postmaster>', 'no blank before the colon, and a sender has a domain'],
    ['MAIL  FROM : < >', 'no blank before the colon, nor in a null path'],
    ['RCPT TO:<>', 'a recipient has an address (RFC 5321 §3.3)'],
    ['MAIL FROM:<> BODY=BINARYMIME BODY=7BIT BODY=8BITMIME', 'a parameter comes once'],
    ['MAIL FROM:<> RET=HDRS RET=FULL', 'a parameter comes once'],
  ])
  /** Refused there, answered here. */
  const lenient = new Map([
    ['VRFY ""', 'what follows VRFY is not looked at: the answer tells nothing'],
  ])

  const cases = (): Vectors['cases'] => {
    const vectors: Vectors = JSON.parse(readVectors('smtp/command-syntax-smtp-proto.json'))
    return vectors.cases.filter(({ command }) => !notEverywhere.test(command))
  }

  /** What the command needs to come before it. */
  function before(command: string): readonly string[] {
    if (command.startsWith('RCPT')) return ['MAIL FROM:<a@client.test> SMTPUTF8']
    if (!/^(?:BDAT|DATA\b)/.test(command)) return []
    return ['MAIL FROM:<a@client.test>', 'RCPT TO:<b@mx.test>']
  }

  test('every command is understood, or called wrong, alike', async () => {
    expect(cases().length).toBeGreaterThan(100)
    const differing: string[] = []
    for (const { command, valid } of cases()) {
      const client = await clientAfter(...before(command))
      // Parameters of RCPT are shown there on a null path, which is a case of its own.
      const sent = command.replace('RCPT TO:<> ', 'RCPT TO:<b@mx.test> ')
      client.send(`${Buffer.from(sent).toString('latin1')}\r\n`)
      const answer = await client.answer()
      const understood = !/^(?:500|501|502|555)/.test(answer ?? '')
      const wanted = (valid || lenient.has(command)) && !stricter.has(command)
      if (understood !== (wanted && !notOffered.test(command)))
        differing.push(`${command}: ${answer}`)
    }
    expect(differing).toEqual([])
  })
})

describe.skipIf(vectorsAreMissing)('Dovecot', () => {
  interface Case {
    readonly [key: string]: string | null | undefined
  }

  const casesOf = (name: string): readonly Case[] => {
    const vectors: { readonly arrays: { readonly [name: string]: readonly Case[] | undefined } } =
      JSON.parse(readVectors('smtp/dovecot-lib-smtp-vectors.json'))
    return vectors.arrays[name] ?? []
  }

  const commands = (kind: 'valid' | 'invalid'): readonly Case[] =>
    casesOf(`test-smtp-command-parser.c:${kind}_command_parse_tests`)

  test('every command line that it reads is read alike', () => {
    expect(commands('valid').length).toBeGreaterThan(5)
    for (const { command = '', cmd_name: verb, cmd_params: parameters } of commands('valid')) {
      const parsed = parseLine((command ?? '').replace('\r\n', ''))
      const rest = Buffer.from(parameters ?? '', 'latin1').toString()
      expect(parsed).toEqual({ ok: true, value: { verb, rest } })
    }
  })

  test('every command line that it refuses is refused, but for a second blank', async () => {
    const cases = commands('invalid').filter(
      // Limits of their own; and a blank too many does no harm.
      ({ command, max_parameters_size: limit }) =>
        limit === undefined && command !== 'EHLO  example.com\r\n',
    )
    expect(cases.length).toBeGreaterThan(10)
    for (const { command } of cases) {
      const client = await clientAfter()
      const line = command ?? ''
      client.send(/[\u0100-\uffff]/.test(line) ? Buffer.from(line).toString('latin1') : line)
      const answer = await client.answer()
      // One without its line end is none yet.
      expect(answer ?? '500').toMatch(/^500/)
      expect(answer === undefined).toBe(!line.endsWith('\r\n'))
    }
  })

  const parametersOf = (command: 'mail' | 'rcpt', kind: 'valid' | 'invalid'): readonly Case[] =>
    casesOf(`test-smtp-params.c:${kind}_${command}_params_parse_tests`)
      // Those with keywords or body types of the test's own.
      .filter(({ input, extensions }) => extensions === undefined && !input?.includes('FROP'))

  /** Read there, refused here. */
  const stricter = new Map([
    ['AUTH=user+2Bdetail', 'an identity is an address (RFC 4954 §5)'],
    ['BODY=BINARYMIME', 'not offered'],
    ['ENVID=', 'xtext is never empty here: an empty id would identify nothing'],
  ])
  const offersOf =
    ({ caps }: Case) =>
    (extension: Extension): boolean =>
      caps?.split(' | ').includes(`SMTP_CAPABILITY_${extension}`) === true

  const extensionOf = (parameter: string): Extension => {
    if (parameter.startsWith('BODY')) return '8BITMIME'
    if (parameter.startsWith('AUTH')) return 'AUTH'
    return parameter.startsWith('SIZE') ? 'SIZE' : 'DSN'
  }

  const fields = (value: object): string => JSON.stringify(value)

  test('every parameter of MAIL that it reads is read alike', () => {
    const cases = parametersOf('mail', 'valid').filter(({ input }) => !stricter.has(input ?? ''))
    expect(cases.length).toBeGreaterThan(10)
    for (const each of cases) {
      const text = each['input'] === '' ? '' : ` ${each['input']}`
      const parsed = parseMailParameters(text, offersOf(each))
      expect(parsed.ok, each['input'] ?? '').toBe(true)
      const wanted = each['envid'] ?? each['size'] ?? ''
      expect(fields(parsed)).toContain(wanted === '0' ? '' : wanted)
    }
  })

  test('every parameter of RCPT that it reads is read alike', () => {
    const cases = parametersOf('rcpt', 'valid')
    expect(cases.length).toBeGreaterThan(8)
    const mailbox = { localPart: 'b', domain: 'mx.test' }
    for (const each of cases) {
      const text = each['input'] === '' ? '' : ` ${each['input']}`
      expect(parseRcptParameters(text, mailbox, offersOf(each)).ok, text).toBe(true)
    }
  })

  test('every parameter that it refuses is refused: 555 where it is not offered, else 501', () => {
    const mailbox = { localPart: 'b', domain: 'mx.test' }
    const mail = parametersOf('mail', 'invalid')
    const rcpt = parametersOf('rcpt', 'invalid')
    expect(mail.length + rcpt.length).toBeGreaterThan(15)
    const parsed = [
      ...mail.map(
        (each) => [each, parseMailParameters(` ${each['input']}`, offersOf(each))] as const,
      ),
      ...rcpt.map(
        (each) =>
          [each, parseRcptParameters(` ${each['input']}`, mailbox, offersOf(each))] as const,
      ),
    ]
    const codes = parsed.map(([, outcome]) => (outcome.ok ? 250 : outcome.reply.code))
    expect(codes).toEqual(
      parsed.map(([each]) => (offersOf(each)(extensionOf(each['input'] ?? '')) ? 501 : 555)),
    )
  })
})
