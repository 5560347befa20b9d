/**
 * Dialogues of chasquid and Apache James, played against us: the reply codes that their servers give, but for
 * differences that the tables below name.
 */
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { greetedClient, type Client } from './smtp-client.ts'
import { folderOf, readVectors, vectorsAreMissing } from './third-party.ts'

/** A client's words, and the code that the other server answers them with. */
interface Exchange {
  readonly said: string
  readonly theirs: string
  readonly ours: string
}

const codeOf = (answer: string | undefined): string => answer?.slice(0, 3) ?? ''

/** Differences, as `what was said: their code, our code`. */
const differing = (exchanges: readonly Exchange[]): string[] =>
  exchanges
    .filter(({ theirs, ours }) => theirs !== ours)
    .map(({ said, theirs, ours }) => `${said.slice(0, 40).trim()}: ${theirs}, ${ours}`)

describe.skipIf(vectorsAreMissing)('chasquid', () => {
  const folder = 'smtp/chasquid'
  const files = vectorsAreMissing
    ? []
    : readdirSync(folderOf(folder)).filter(
        // One is about logins over implicit TLS with its users, one about its own sendmail.
        (name) => name.endsWith('.cmy') && !/^(?:auth_|sendmail)/.test(name),
      )

  /** `'text' * times`, parts added up: all that the scripts use of Python. */
  function bytesOf(expression: string): string {
    const text = (quoted: string): string =>
      quoted.replaceAll('\\r', '\r').replaceAll('\\n', '\n').replaceAll("'", '')
    const sum = (terms: string): string =>
      terms
        .split(' + ')
        .map((term) => {
          const [, part = '', times = '1'] = /^('[^']*')(?: \* (\d+))?$/.exec(term) ?? []
          return text(part).repeat(Number(times))
        })
        .join('')
    const [, inner, times] = /^\((.*)\) \* (\d+)$/.exec(expression) ?? []
    return inner === undefined ? sum(expression) : sum(inner).repeat(Number(times))
  }

  async function play(script: string): Promise<readonly Exchange[]> {
    const exchanges: Exchange[] = []
    let client: Client | undefined
    let said = ''
    let greeted = false
    for (const line of script.split('\n')) {
      const [, word, rest = ''] =
        /^c (tcp_connect|close|<~|<-|<\.\.\.|->|~>) ?(.*)$/.exec(line) ?? []
      if (word === 'tcp_connect') {
        client = await greetedClient()
        greeted = true
      } else if (word === '->' || word === '~>') {
        // It takes addresses without brackets, which we do not.
        const bare = /^(RCPT TO:) ?([^<\s]\S*)$/.exec(rest)
        const text = bare === null ? rest : `${bare[1]}<${bare[2]}>`
        said = word === '~>' ? bytesOf(rest) : text
        client?.send(word === '~>' ? said : `${Buffer.from(said).toString('latin1')}\r\n`)
      } else if (word?.startsWith('<') === true) {
        if (greeted) greeted = false
        else {
          const theirs = word === '<...' ? '250' : rest.slice(0, 3)
          exchanges.push({ said, theirs, ours: codeOf(await client?.answer()) })
        }
      }
    }
    return exchanges
  }

  const answeredOtherwise: ReadonlyMap<string, readonly string[]> = new Map([
    // A header line that is no field is for plugins to judge.
    ['bad_data.cmy', ['.: 554, 250']],
    // It ends the session with a bare line end; we end the message, in step with the client.
    ['bad_data_dot.cmy', ['xxx\r\n.: 521, 554']],
    ['bad_data_dot_2.cmy', ['.: 521, 554']],
    // It speaks of the last mistake, we of the first.
    ['bad_data_dot_on_message_too_big.cmy', ['.: 521, 552']],
    // The verb is known, what follows is wrong: 501 (RFC 5321 §4.2.4).
    ['bad_mail_from.cmy', ['MAIL LALA: <>: 500, 501', 'MAIL FROM:: 500, 501']],
    [
      'bad_rcpt_to.cmy',
      [
        'RCPT LALA: <>: 500, 501',
        'RCPT TO:: 500, 501',
        // Without SMTPUTF8 (RFC 6531 §3.5).
        'RCPT TO:<henryⅣ@testserver>: 550, 553',
      ],
    ],
    // RFC 5321 §4.5.3.1.9.
    ['line_too_long.cmy', ['HELO aaaaaaaaa1aaaaaaaaa1aaaaaaaaa1aaaaa: 554, 500']],
    // Whoever speaks HTTP is sent away: 421 is the code that ends a session.
    [
      'wrong_proto.cmy',
      [
        'GET /evil HTTP/1.1: 502, 421',
        'POST /evil HTTP/1.1: 502, 421',
        'CONNECT www.evil.com:80 HTTP/1.1: 502, 421',
      ],
    ],
  ])

  test.each(files)('%s is answered alike, but for what is named here', async (name) => {
    const exchanges = await play(readVectors(`${folder}/${name}`))
    expect(exchanges.length).toBeGreaterThan(0)
    expect(differing(exchanges)).toEqual(answeredOtherwise.get(name) ?? [])
  })
})

describe.skipIf(vectorsAreMissing)('Apache James', () => {
  const folder = 'smtp/james-mpt'
  const files = vectorsAreMissing
    ? []
    : readdirSync(folderOf(folder)).filter((name) => name.endsWith('.test'))

  const answeredOtherwise: ReadonlyMap<string, readonly string[]> = new Map([
    // A login before EHLO, when nothing is offered yet (RFC 4954 §4).
    [
      'authplain.test',
      ['AUTH LOGIN: 334, 503', 'Ym9iQG15ZG9tYWluLnRsZA==: 334, 500', 'c2VjcmV0: 235, 500'],
    ],
    // STARTTLS after a login comes at the wrong moment: 503 (RFC 5321 §4.2.4).
    ['starttls_session_fixation.test', ['starttls: 501, 503']],
    // The handshake begins, and what came in the same piece is dropped unread (RFC 3207 §4.2).
    ['starttls_with_injection.test', ['starttls\r\nmail from:<matthieu@yopmail.co: 451, 220']],
  ])

  /** Lines of the client up to those of the server are one write; the server's lines are counted in replies. */
  async function play(script: string): Promise<readonly Exchange[]> {
    const client = await greetedClient()
    client.stage.policy.script.auth = ({ user }) => ({ ruling: 'accept', user })
    const exchanges: Exchange[] = []
    let unsent: string[] = []
    const unanswered: string[] = []
    let inMessage = false
    for (const line of script.split('\n').slice(1)) {
      if (line.startsWith('C:')) {
        const said = line.slice(3).replaceAll('\\r', '\r').replaceAll('\\n', '\n')
        unsent.push(said)
        if (!inMessage || said === '.') unanswered.push(said)
        inMessage = inMessage ? said !== '.' : said === 'data'
        continue
      }
      if (!/^S: \d{3}(?: |\.\*)/.test(line) || line.startsWith('S: 250.*')) continue
      if (unsent.length > 0) client.send(unsent.map((each) => `${each}\r\n`).join(''))
      unsent = []
      const said = unanswered.shift() ?? ''
      exchanges.push({ said, theirs: line.slice(3, 6), ours: codeOf(await client.answer()) })
    }
    return exchanges
  }

  test.each(files)('%s is answered alike, but for what is named here', async (name) => {
    const exchanges = await play(readVectors(`${folder}/${name}`))
    expect(exchanges.length).toBeGreaterThan(0)
    expect(differing(exchanges)).toEqual(answeredOtherwise.get(name) ?? [])
  })
})
