/** QMAILQUEUE: programs that know qmail, real ones, between our receiver and our queue. */
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { session } from './front-door-client.ts'
import {
  change,
  checkout,
  delivered,
  eventually,
  gatewayFolder,
  mailIn,
  printed,
  runPostern,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

const yaml = `
listeners:
  - { name: mx, listen: '127.0.0.1:2525', proxy_protocol: { networks: [127.0.0.1] } }
plugin_dirs: [../plugins, '${join(checkout, 'test/fixtures/plugins')}']
chain:
  - plugin: voucher
  - plugin: relay-clients
  - plugin: qmail-queue
  - plugin: objector # what looks for viruses
    name: virus
    unless: { environment: ['QMAILQUEUE=/var/qmail/bin/qmail-queue'] }
    options: { stage: message, text: Virus }
    when: { recipient: [virus@postern.test] }
  - plugin: objector # what looks for spam
    name: spam
    unless:
      - { environment: ['QMAILQUEUE=/var/qmail/bin/qmail-queue'] }
      - { relay_client: true }
    options: { stage: message, text: Spam }
    when: { recipient: [spam@postern.test] }
  - plugin: objector # what somebody must look at
    name: doubts
    options: { stage: message, verdict: quarantine }
    when: { recipient: [held@postern.test] }
delivery: { maildirs: ../var/mail }
`

/** Does what the subject says. The envelope is a pipe, the message a file. */
const program = (root: string): string => `#!/bin/sh
exec 3<&1
message=$(mktemp "${root}/message.XXXXXX")
cat > "$message"
case $(grep '^Subject: ' "$message") in
  *through*) exec "$QMAILQUEUE" < "$message" 1<&3 ;;
  *header*) { echo "X-Filtered: $TCPREMOTEIP $RELAYCLIENT."; cat "$message"; } | "$QMAILQUEUE" 1<&3; exit $? ;;
  *subset*) printf 'Falice@client.test\\0Tbob@postern.test\\0\\0' > "$message.env"
    { echo 'X-Subset: yes'; cat "$message"; } | "$QMAILQUEUE" 1< "$message.env"; exit $? ;;
  *code*) exit $(sed -n 's/^Subject: code //p' "$message") ;;
  *says*) printf 'Dno such thing (#5.7.1)' >&4; exit 82 ;;
  *hang*) sleep 77 & echo $! > "${root}/child"; wait ;;
  *kept*) exit 0 ;;
  *regret*) "$QMAILQUEUE" < "$message" 1<&3; exit 31 ;;
  *notice*) printf 'Fscanner@postern.test\\0Tadmin@postern.test\\0\\0' > "$message.env"
    printf 'Subject: found something\\n\\n%s\\n' "$SPFRESULT" | "$QMAILQUEUE" 1< "$message.env" || exit 81
    exit 31 ;;
  *wait*) "$QMAILQUEUE" < "$message" 1<&3 || exit $?
    : > "${root}/brought"
    while [ ! -e "${root}/go" ]; do sleep 0.05; done ;;
esac
`

const rules = (path: string): string => `
127.0.0.1:allow,RELAYCLIENT="",QMAILQUEUE="/var/qmail/bin/qmail-scanner-queue.pl"
127.:allow,RELAYCLIENT="",QMAILQUEUE="/var/qmail/bin/qmail-queue"
10.:allow,RELAYCLIENT="",QMAILQUEUE="/var/qmail/bin/qmail-scanner-queue.pl"
198.51.100.:allow,QMAILQUEUE="${path}"
:allow,QMAILQUEUE="/var/qmail/bin/simscan"
`

let folder: GatewayFolder
let gateway: StartedGateway

beforeAll(async () => {
  folder = await gatewayFolder(yaml)
  const path = join(folder.root, 'filter')
  await writeFile(path, program(folder.root))
  await chmod(path, 0o755)
  await folder.write('tcp.smtp', rules(path))
  gateway = await startGateway(folder)
})
afterAll(async () => {
  await gateway.stop()
  await folder.remove()
})

/** @returns the reply to the message */
async function sent(
  subject: string,
  recipients: readonly string[] = ['bob@postern.test'],
  { address = '198.51.100.7', body = '..dots\r\nend\r\n' } = {},
): Promise<string> {
  const replies = await session(gateway.port, address, [
    'EHLO client.test',
    'MAIL FROM:<alice@client.test>',
    ...recipients.map((each) => `RCPT TO:<${each}>`),
    'DATA',
    `Subject: ${subject}\r\n\r\n${body}.`,
  ])
  return replies.at(-1) ?? ''
}

const files = (name: string): Promise<string[]> => readdir(join(folder.root, 'var/spool', name))

/** The last transaction's explanation, once it says this. */
const traced = (wanted: RegExp | string): Promise<string> =>
  printed(['trace', 'last', '--config', folder.config], wanted)

/** Its number is written into a file by the program. */
async function isAlive(name: string): Promise<boolean> {
  try {
    process.kill(Number(await readFile(join(folder.root, name), 'utf8')), 0)
    return true
  } catch {
    return false
  }
}

describe('a program in place of qmail-queue', () => {
  test('that only runs the next one changes no byte', async () => {
    expect(await sent('through', ['through@postern.test'])).toMatch(/^250 2\.0\.0 /)
    const [mail] = await delivered(folder, ['through', 'postern.test'])
    expect(mail).toMatch(/\nSubject: through\n\n\.dots\nend\n$/)
    expect(mail).not.toContain('invoked by uid')
    await traced('QMAILQUEUE_QUEUED')
    expect(await files('continuing')).toEqual([])
  })

  test('may write into the message, and sees who sent it', async () => {
    expect(await sent('header', ['header@postern.test'])).toMatch(/^250 /)
    const [mail = ''] = await delivered(folder, ['header', 'postern.test'])
    expect(mail).toContain('\nX-Filtered: 198.51.100.7 .\nSubject: header\n\n.dots\nend\n')
    // Our trace field stands above what the program wrote.
    expect(mail.indexOf('Received: ')).toBeLessThan(mail.indexOf('X-Filtered'))
    await traced(/replaced \{"received":"[0-9a-f]{64}","handedBack":"[0-9a-f]{64}"/)
    await eventually(
      async () => ((await files('continuing')).length === 0 ? true : undefined),
      'an end',
    )
  })

  test('may do so with a message of many megabytes, and nothing else of it changes', async () => {
    const lines = Array.from({ length: 60_000 }, (_, n) => `line ${n} ${'\xe4'.repeat(50)}`)
    expect(
      await sent('header', ['large@postern.test'], { body: `${lines.join('\r\n')}\r\n` }),
    ).toMatch(/^250 /)
    const [mail = ''] = await delivered(folder, ['large', 'postern.test'])
    expect(mail).toContain('\nX-Filtered: ')
    expect(mail.endsWith(`\nSubject: header\n\n${lines.join('\n')}\n`)).toBe(true)
  })

  test('rewrites it for those whom it was asked about: who is held beside them gets what came in', async () => {
    const to = ['rewritten@postern.test', 'held@postern.test']
    expect(await sent('header', to)).toMatch(/^250 /)
    const [mail] = await delivered(folder, ['rewritten', 'postern.test'])
    expect(mail).toContain('\nX-Filtered: 198.51.100.7 .\nSubject: header\n\n.dots\nend\n')
    await runPostern(['quarantine', 'release', '--all', '--config', folder.config])
    const [held] = await delivered(folder, ['held', 'postern.test'])
    expect(held).toMatch(/\nSubject: header\n\n\.dots\nend\n$/)
    expect(held).not.toContain('X-Filtered')
    await eventually(
      async () => ((await files('continuing')).length === 0 ? true : undefined),
      'an end',
    )
  })

  test('may drop a recipient', async () => {
    expect(await sent('subset', ['bob@postern.test', 'dropped@postern.test'])).toMatch(/^250 /)
    expect((await delivered(folder, ['bob', 'postern.test']))[0]).toContain('X-Subset: yes')
    await traced('QMAILQUEUE_DROPPED')
    expect(await mailIn(folder, 'postern.test', 'dropped')).toEqual([])
  })

  test.each([
    ['code 31', '550 5.3.0 mail server permanently rejected message'],
    ['code 32', '550 5.3.0 we do not accept SPAM'],
    ['code 81', '451 4.3.0 qq internal bug'],
    ['code 82', '451 4.3.0 qq temporary problem'],
    ['says', '550 5.7.1 no such thing'],
    ['regret', '550 5.3.0 mail server permanently rejected message'],
  ])('says no by its exit code, and nothing is kept: %s', async (subject, reply) => {
    expect(await sent(subject, ['refused@postern.test'])).toBe(reply)
    expect(await mailIn(folder, 'postern.test', 'refused')).toEqual([])
    expect(await files('incoming')).toEqual([])
  })

  test('that ends well without queueing has kept the mail, and the trace says so', async () => {
    expect(await sent('kept', ['kept@postern.test'])).toMatch(/^250 /)
    await traced('discard (QMAILQUEUE_KEPT)')
    expect(await mailIn(folder, 'postern.test', 'kept')).toEqual([])
  })

  test('that hangs is ended with all that it started, and the mail is deferred', async () => {
    const [usual, short] = ['plugin: qmail-queue\n', 'plugin: qmail-queue\n    timeout: 4s\n']
    const reload = () => runPostern(['reload', '--config', folder.config])
    await change(folder, [usual, short])
    expect(await reload()).toMatchObject({ code: 0 })
    expect(await sent('hang', ['hang@postern.test'])).toMatch(/^451 4\.3\.0 /)
    await traced('fault timeout')
    await eventually(async () => ((await isAlive('child')) ? undefined : true), 'its end')
    await change(folder, [short, usual])
    expect(await reload()).toMatchObject({ code: 0 })
  })

  test('sends notices of its own by the same way', async () => {
    expect(await sent('notice', ['noticed@postern.test'])).toMatch(/^550 /)
    const [notice] = await delivered(folder, ['admin', 'postern.test'])
    expect(notice).toContain('Return-Path: <scanner@postern.test>')
    expect(notice).toMatch(/Received: \(qmail \d+ invoked by uid \d+\)/)
    expect(await mailIn(folder, 'postern.test', 'noticed')).toEqual([])
  })
})

describe('a gateway that is killed while the program has handed the message back already', () => {
  test('promised nothing, delivers nothing, and takes it when it comes again: once', async () => {
    const to = ['once@postern.test']
    const broken = sent('wait', to)
    await eventually(
      () =>
        readFile(join(folder.root, 'brought')).then(
          () => true,
          () => undefined,
        ),
      'the program to bring it',
    )
    gateway.signal('SIGKILL')
    await gateway.exited()
    expect(await broken).not.toMatch(/^250/)
    gateway = await startGateway(folder)
    expect(await files('incoming')).toEqual([])
    await writeFile(join(folder.root, 'go'), '')
    expect(await sent('wait', to)).toMatch(/^250 /)
    expect(await delivered(folder, ['once', 'postern.test'])).toHaveLength(1)
    expect(await sent('through', to)).toMatch(/^250 /)
    // What is delivered later shows that nothing else was on its way.
    const mail = await delivered(folder, ['once', 'postern.test'], 2)
    expect(mail.filter((each) => each.includes('Subject: wait'))).toHaveLength(1)
  })
})

describe('the rules of an old tcp.smtp', () => {
  test.each([
    ['127.0.0.1', 'everything of this chain but what spares relay clients', /^250/, /^550 .*Virus/],
    ['127.0.0.2', 'no scanning at all', /^250/, /^250/],
    ['10.1.2.3', 'viruses, and no spam', /^250/, /^550 .*Virus/],
    ['203.0.113.9', 'everything', /^550 .*Spam/, /^550 .*Virus/],
  ])('%s: %s', async (address, _, spam, virus) => {
    expect(await sent('x', ['spam@postern.test'], { address })).toMatch(spam)
    expect(await sent('x', ['virus@postern.test'], { address })).toMatch(virus)
  })
})

test('postern env says who reads QMAILQUEUE', async () => {
  const { stdout } = await runPostern(['env', '--config', folder.config])
  expect(stdout).toMatch(/^QMAILQUEUE +qmail-queue\.program /m)
})
