/** Each rule of the plugin contract, shown by a small plugin of test/fixtures/plugins through a real SMTP session. */
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  checkout,
  dialogue,
  eventually,
  gatewayFolder,
  mailIn,
  onFreePort,
  runPostern,
  startGateway,
  type StartedGateway,
} from './started-gateway.ts'

interface Setting {
  /** The entries of the chain, as YAML. */
  readonly chain: string
  /** More sections. */
  readonly more?: string
  readonly tcp?: string
}

const yamlOf = ({ chain, more = '' }: Setting): string => `
listeners: [{ name: mx, listen: '127.0.0.1:2525' }]
plugin_dirs: [../plugins, '${join(checkout, 'test/fixtures/plugins')}']
chain:
${chain}
${more}
`

/** A gateway that has taken on the chain of a setting, and where the mail of that setting comes from. */
interface GatewayInTurn extends StartedGateway {
  readonly sender: string
}

/** Starting a gateway takes most of a second: one takes on chain after chain, and tells the settings apart by sender. */
let gateway: StartedGateway
let settings = 0

beforeAll(async () => {
  gateway = await startGateway(await gatewayFolder(yamlOf({ chain: '  - plugin: watcher\n' })))
})
afterAll(async () => {
  await gateway.stop()
  await gateway.folder.remove()
})

/** Has the gateway take on this chain. */
async function withChain(
  setting: Setting,
  work: (gateway: GatewayInTurn) => Promise<void>,
): Promise<void> {
  const name = `setting-${++settings}`
  const chain = `${setting.chain}\n  - { plugin: watcher, name: ${name}, mode: off }\n`
  await gateway.folder.write('tcp.smtp', setting.tcp ?? ':allow\n')
  await gateway.folder.write('postern.yaml', onFreePort(yamlOf({ ...setting, chain })))
  gateway.signal('SIGHUP')
  // The last entry is off and does nothing; the event of the reload names it.
  await gateway.seen(`"${name}"`)
  await work({ ...gateway, sender: `${name}@client.test` })
}

/** The mail of this setting that lies in a mailbox of postern.test. */
async function mailOf({ folder, sender }: GatewayInTurn, localPart: string): Promise<string[]> {
  const all = await mailIn(folder, 'postern.test', localPart)
  return all.filter((each) => each.startsWith(`Return-Path: <${sender}>`))
}

/** The same, once there is any. */
async function arrived(gateway: GatewayInTurn, localPart: string): Promise<string[]> {
  return eventually(async () => {
    const mail = await mailOf(gateway, localPart)
    return mail.length > 0 ? mail : undefined
  }, `mail from ${gateway.sender} for ${localPart}`)
}

/** The lines of `postern queue list` about mail of this setting. */
async function queued({ folder, sender }: GatewayInTurn): Promise<string> {
  const { stdout } = await runPostern(['queue', 'list', '--config', folder.config])
  return stdout
    .split('\n')
    .filter((line) => line.includes(sender))
    .join('\n')
}

const text = 'Subject: test\r\nX-Stamp: forged\r\n\r\nhello\r\n.'
const voucher = '  - plugin: voucher\n'

/** A whole transaction. @returns the reply to each step, by name */
async function transaction(
  { port, sender }: GatewayInTurn,
  recipients: readonly string[] = ['bob@postern.test'],
): Promise<{
  greeting: string
  ehlo: string
  mail: string
  rcpt: string[]
  data: string
  end: string
}> {
  const commands = recipients.map((recipient) => `RCPT TO:<${recipient}>`)
  const replies = await dialogue(port, [
    'EHLO client.test',
    `MAIL FROM:<${sender}>`,
    ...commands,
    'DATA',
    text,
  ])
  const [greeting = '', ehlo = '', mail = '', ...rest] = replies
  const count = recipients.length
  return {
    greeting,
    ehlo,
    mail,
    rcpt: rest.slice(0, count),
    data: rest[count] ?? '',
    end: rest[count + 1] ?? '',
  }
}

const trace = ({ folder, sender }: GatewayInTurn): Promise<string> =>
  eventually(async () => {
    const { stdout } = await runPostern(['trace', 'last', '--config', folder.config])
    return stdout.includes(sender) && /^ {2}\w+ at \w+/m.test(stdout) ? stdout : undefined
  }, `a trace of mail from ${sender}`)

describe('at RCPT', () => {
  test('silence is not consent: with nobody to vouch every recipient is refused', () =>
    withChain({ chain: '  - plugin: watcher\n' }, async (gateway) => {
      const { rcpt, data } = await transaction(gateway)
      expect(rcpt[0]).toMatch(/^550 5\.[17]\.1 /)
      expect(data).toMatch(/^554 5\.5\.1 /)
    }))

  test('an objection wins over a voucher, whichever comes first', async () => {
    const objector = "  - plugin: objector\n    options: { stage: rcpt, text: 'Not here' }\n"
    for (const chain of [voucher + objector, objector + voucher]) {
      await withChain({ chain }, async (gateway) => {
        expect((await transaction(gateway)).rcpt[0]).toBe('550 5.7.1 Not here')
      })
    }
  })

  test('a yes of a plugin that does not vouch is a fault, not a yes', async () => {
    const usurper = '  - plugin: usurper\n'
    await withChain({ chain: usurper + voucher }, async (gateway) => {
      expect((await transaction(gateway)).rcpt[0]).toMatch(/^451 4\.3\.0 /)
      expect(await trace(gateway)).toMatch(/usurper +defer +fault/)
    })
    await withChain({ chain: usurper }, async (gateway) => {
      expect((await transaction(gateway)).rcpt[0]).toMatch(/^550 5\.[17]\.1 /)
    })
  })
})

test('a verdict becomes a reply by stage and status alone', async () => {
  const expected = {
    hello: ['550 5.7.1', '450 4.7.1'],
    mail: ['550 5.7.1', '451 4.7.1'],
    data: ['554 5.7.1', '451 4.7.1'],
    message: ['550 5.7.1', '451 4.7.1'],
  } as const
  const step = { hello: 'ehlo', mail: 'mail', data: 'data', message: 'end' } as const
  for (const stage of ['hello', 'mail', 'data', 'message'] as const) {
    for (const [index, verdict] of ['reject', 'defer'].entries()) {
      const chain = `${voucher}  - plugin: objector\n    options: { stage: ${stage}, verdict: ${verdict} }\n`
      await withChain({ chain }, async (gateway) => {
        const replies = await transaction(gateway)
        expect(replies[step[stage]], `${verdict} at ${stage}`).toBe(
          `${expected[stage][index]} Objection`,
        )
      })
    }
  }
})

test('a refusal with close ends the session; at connect it always does', async () => {
  const refusing = (options: string): Setting => ({
    chain: `  - plugin: objector\n    options: ${options}\n`,
  })
  await withChain(refusing('{ stage: connect, verdict: defer }'), async ({ port }) => {
    expect(await dialogue(port, ['EHLO c', 'NOOP'])).toEqual(['421 4.7.1 Objection'])
  })
  await withChain(refusing('{ stage: connect }'), async ({ port }) => {
    expect(await dialogue(port, ['EHLO c', 'NOOP'])).toEqual(['554 5.7.1 Objection'])
  })
  await withChain(refusing('{ stage: mail, verdict: defer, close: true }'), async ({ port }) => {
    const replies = await dialogue(port, ['EHLO c', 'MAIL FROM:<>', 'NOOP'])
    expect(replies.at(-1)).toBe('421 4.7.1 Objection')
  })
})

describe('a remembered refusal', () => {
  const remembered = `${voucher}  - plugin: objector
    refuse_at: rcpt
    unless: { authenticated: true }
    options: { stage: connect, text: 'Bad reputation' }
  - plugin: one-password
`
  const receiver = 'receiver: { auth_without_tls: true }\n'

  test('is spoken at RCPT, with the recipient in the trace', () =>
    withChain({ chain: remembered, more: receiver }, async (gateway) => {
      const { greeting, mail, rcpt } = await transaction(gateway)
      expect(greeting).toMatch(/^220 /)
      expect(mail).toMatch(/^250 /)
      expect(rcpt[0]).toBe('550 5.7.1 Bad reputation')
      expect(await trace(gateway)).toContain('bob@postern.test')
    }))

  test('is lifted by a login where the entry says so', () =>
    withChain({ chain: remembered, more: receiver }, async ({ port }) => {
      const login = Buffer.from('\0alice\0secret').toString('base64')
      const replies = await dialogue(port, [
        'EHLO c',
        `AUTH PLAIN ${login}`,
        'MAIL FROM:<a@client.test>',
        'RCPT TO:<bob@postern.test>',
      ])
      expect(replies.slice(2)).toEqual([
        expect.stringMatching(/^235 2\.7\.0/),
        expect.stringMatching(/^250 2\.1\.0/),
        expect.stringMatching(/^250 2\.1\.5/),
      ])
    }))
})

describe('a login', () => {
  const receiver = 'receiver: { auth_without_tls: true }\n'
  const authPlain = (user: string, password: string): string =>
    `AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}`

  test('fails where no back end says yes: silence is no consent', () =>
    withChain({ chain: '  - plugin: one-password\n', more: receiver }, async ({ port }) => {
      const replies = await dialogue(port, [
        'EHLO c',
        authPlain('alice', 'wrong'),
        authPlain('eve', 'secret'),
      ])
      expect(replies.slice(2)).toEqual([
        expect.stringMatching(/^535 5\.7\.8/),
        expect.stringMatching(/^535 5\.7\.8/),
      ])
    }))

  test('is a temporary failure where the back end is broken', () =>
    withChain(
      { chain: '  - plugin: one-password\n    options: { broken: true }\n', more: receiver },
      async ({ port }) => {
        const replies = await dialogue(port, ['EHLO c', authPlain('alice', 'secret')])
        expect(replies[2]).toMatch(/^454 4\.7\.0/)
      },
    ))

  test('is refused where a policy objects, whatever the back end says', () =>
    withChain(
      {
        chain: '  - plugin: objector\n    options: { stage: auth }\n  - plugin: one-password\n',
        more: receiver,
      },
      async ({ port }) => {
        const replies = await dialogue(port, ['EHLO c', authPlain('alice', 'secret')])
        expect(replies[2]).toBe('535 5.7.1 Objection')
      },
    ))
})

describe('a fault', () => {
  const faulty = (how: string, entry = '', stage = 'rcpt'): string =>
    `${voucher}  - plugin: faulty\n${entry}    options: { stage: ${stage}, how: ${how} }\n`

  for (const how of ['throws', 'rejects', 'answers-nothing', 'wrong-status']) {
    test(`defers by default: a plugin that ${how}`, () =>
      withChain({ chain: faulty(how) }, async (gateway) => {
        const { rcpt } = await transaction(gateway)
        expect(rcpt[0]).toMatch(/^451 4\.3\.0 /)
        expect(rcpt[0]).not.toContain('secret')
        expect(await trace(gateway)).toMatch(/faulty +defer +fault/)
      }))
  }

  test('of a plugin that hangs comes at its deadline', () =>
    withChain({ chain: faulty('hangs', '    timeout: 200ms\n') }, async (gateway) => {
      expect((await transaction(gateway)).rcpt[0]).toMatch(/^451 4\.3\.0 /)
      expect(await trace(gateway)).toMatch(/fault (?:timeout|deadline)/)
    }))

  test('that nobody waits for is logged, and ends neither the session nor the gateway', () =>
    withChain({ chain: faulty('lets-go') }, async (gateway) => {
      expect((await transaction(gateway)).end).toMatch(/^250 2\.0\.0 /)
      await gateway.seen('bug.unhandled-rejection')
      expect((await transaction(gateway)).end).toMatch(/^250 2\.0\.0 /)
    }))

  test('ends in what the entry configures: pass, reject, quarantine', async () => {
    await withChain({ chain: faulty('throws', '    on_fault: pass\n') }, async (gateway) => {
      expect((await transaction(gateway)).rcpt[0]).toMatch(/^250 /)
    })
    await withChain({ chain: faulty('throws', '    on_fault: reject\n') }, async (gateway) => {
      expect((await transaction(gateway)).rcpt[0]).toMatch(/^5\d\d 5\./)
    })
    await withChain(
      { chain: faulty('throws', '    on_fault: quarantine\n', 'message') },
      async (gateway) => {
        expect((await transaction(gateway)).end).toMatch(/^250 2\.0\.0 /)
        expect(await queued(gateway)).toContain('(held)')
      },
    )
  })
})

describe('the mode of an entry', () => {
  const objector = (mode: string): string =>
    `${voucher}  - plugin: objector\n    mode: ${mode}\n    options: { stage: rcpt }\n`

  test('shadow records what it would have done and does nothing', () =>
    withChain({ chain: objector('shadow') }, async (gateway) => {
      expect((await transaction(gateway)).end).toMatch(/^250 2\.0\.0 /)
      expect(await trace(gateway)).toMatch(/objector +would reject/)
    }))

  test('off is as if the entry were not there', () =>
    withChain({ chain: objector('off') }, async (gateway) => {
      expect((await transaction(gateway)).end).toMatch(/^250 2\.0\.0 /)
      expect(await trace(gateway)).not.toContain('objector')
    }))
})

describe('findings', () => {
  test('reach the plugins that need them, and a tcp.smtp variable overrides an option for its clients', async () => {
    const chain = `${voucher}  - plugin: colour-finder\n  - plugin: colour-reader\n`
    await withChain({ chain }, async (gateway) => {
      expect((await transaction(gateway)).mail).toMatch(/^250 /)
    })
    await withChain({ chain, tcp: '127.:allow,COLOUR="red"\n' }, async (gateway) => {
      expect((await transaction(gateway)).mail).toBe('550 5.7.1 We do not like red')
    })
  })

  test('whose provider is missing or comes later are mistakes of the configuration', async () => {
    const folder = await gatewayFolder(`
plugin_dirs: ['${join(checkout, 'test/fixtures/plugins')}']
chain:
  - plugin: colour-reader
  - plugin: colour-finder
`)
    const { code, stderr } = await runPostern(['check', '--config', folder.config])
    expect(code).toBe(1)
    expect(stderr).toMatch(/postern\.yaml:4: .*colour/)
    await folder.remove()
  })
})

describe('conditions', () => {
  test('`when` and `unless` decide for whom an entry counts', () =>
    withChain(
      {
        chain: `${voucher}  - plugin: objector
    when: { recipient_domain: [blocked.test] }
    unless: { recipient: [postmaster@blocked.test] }
    options: { stage: connect, at: rcpt }
`,
      },
      async (gateway) => {
        const { rcpt } = await transaction(gateway, [
          'bob@postern.test',
          'bob@blocked.test',
          'postmaster@blocked.test',
        ])
        expect(rcpt.map((reply) => reply.slice(0, 3))).toEqual(['250', '550', '250'])
      },
    ))
})

describe('scores', () => {
  const scoring = (score: number): Setting => ({
    chain: `${voucher}  - plugin: scorer
    options: { score: ${score} }
  - plugin: scorer
    name: second-scorer
    options: { score: 2 }
`,
    more: 'thresholds: { quarantine: 5, reject: 10 }\n',
  })

  test('are added up and judged once by the thresholds', async () => {
    await withChain(scoring(1), async (gateway) => {
      expect((await transaction(gateway)).end).toMatch(/^250 /)
      expect(await arrived(gateway, 'bob')).toHaveLength(1)
    })
    await withChain(scoring(4), async (gateway) => {
      expect((await transaction(gateway)).end).toMatch(/^250 /)
      expect(await queued(gateway)).toContain('(held)')
    })
    await withChain(scoring(9), async (gateway) => {
      expect((await transaction(gateway)).end).toMatch(/^550 5\.7\.1/)
    })
  })
})

describe('edits', () => {
  test('of the header are applied once; the body stays as it was received', () =>
    withChain({ chain: `${voucher}  - plugin: stamper\n` }, async (gateway) => {
      await transaction(gateway)
      const [mail = ''] = await arrived(gateway, 'bob')
      expect(mail.match(/^X-Stamp: .*$/gm)).toEqual(['X-Stamp: seen'])
      expect(mail.endsWith('\n\nhello\n')).toBe(true)
    }))

  test('of the envelope are applied once, and an added recipient needs no voucher', () =>
    withChain(
      {
        chain: `${voucher}  - plugin: redirector
    options: { from: bob@postern.test, to: carol@postern.test, add: dave@postern.test }
`,
      },
      async (gateway) => {
        await transaction(gateway)
        await arrived(gateway, 'carol')
        await arrived(gateway, 'dave')
        expect(await mailOf(gateway, 'bob')).toEqual([])
      },
    ))
})

describe('verdicts that differ by recipient', () => {
  const chooser: Setting = { chain: `${voucher}  - plugin: chooser\n` }

  test('accept the message for some and hold it for those that were rejected, never bounce', () =>
    withChain(chooser, async (gateway) => {
      const { end } = await transaction(gateway, [
        'bob@postern.test',
        'reject@postern.test',
        'discard@postern.test',
      ])
      expect(end).toMatch(/^250 2\.0\.0 /)
      await arrived(gateway, 'bob')
      const list = await queued(gateway)
      expect(list).toMatch(/reject@postern\.test> \(held\)/)
      expect(list).not.toContain('discard@')
    }))

  test('defer for all where one defers, and reject where all do', () =>
    withChain(chooser, async (gateway) => {
      expect((await transaction(gateway, ['bob@postern.test', 'defer@postern.test'])).end).toMatch(
        /^451 4\.2\.0/,
      )
      expect((await transaction(gateway, ['reject@postern.test'])).end).toMatch(/^550 5\.2\.0/)
    }))
})

test('a watcher is told of every step, and changes nothing even by throwing', () =>
  withChain({ chain: `${voucher}  - plugin: watcher\n` }, async (gateway) => {
    expect((await transaction(gateway)).end).toMatch(/^250 2\.0\.0 /)
    await gateway.seen('"event":"watched"')
  }))

test('a plugin opens before the first session of its generation and closes after the last', async () => {
  const chain = `${voucher}  - plugin: lifecycle\n    options: { label: only }\n`
  const started = await startGateway(await gatewayFolder(yamlOf({ chain })))
  try {
    await started.seen('lifecycle.opened')
    await transaction({ ...started, sender: 'a@client.test' })
    expect(started.stderr()).not.toContain('lifecycle.closed')
  } finally {
    expect(await started.stop()).toBe(0)
    await started.folder.remove()
  }
  expect(started.stderr()).toContain('lifecycle.closed')
})

test('a slow plugin at `message` is called off when the client goes away', () =>
  withChain(
    { chain: `${voucher}  - plugin: slow\n    options: { delay: 1h }\n` },
    async (gateway) => {
      const socket = connect(gateway.port, '127.0.0.1')
      const lines = ['EHLO c', 'MAIL FROM:<>', 'RCPT TO:<bob@postern.test>', 'DATA']
      socket.on('data', (reply) => {
        const next = lines.shift()
        if (next !== undefined) socket.write(`${next}\r\n`)
        else if (String(reply).startsWith('354'))
          socket.write(`${text}\r\n`, () => socket.resetAndDestroy())
      })
      await expect(gateway.seen('slow.called-off')).resolves.toBeUndefined()
    },
  ))

test('a plugin may say where a recipient goes, and carry it there', () =>
  withChain({ chain: `${voucher}  - plugin: carrier\n` }, async (gateway) => {
    await transaction(gateway, ['bob@postern.test', 'eve@carried.test'])
    expect(await arrived(gateway, 'bob')).toHaveLength(1)
    await gateway.seen('"to":"eve@carried.test"')
  }))

test('a gateway that has taken on chain after chain ends gracefully', async () => {
  expect(await gateway.stop()).toBe(0)
})
