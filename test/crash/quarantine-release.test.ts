import { join } from 'node:path'
import { expect, test } from 'vitest'
import { steerQuarantine } from '../../src/tools/steer-quarantine.ts'
import {
  checkout,
  dialogue,
  eventually,
  gatewayFolder,
  mailIn,
  runPostern,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'

const yaml = `
listeners: [{ name: mx, listen: '127.0.0.1:2525' }]
plugin_dirs: [../plugins, '${join(checkout, 'test/fixtures/plugins')}']
chain:
  - plugin: voucher
  - plugin: chooser
quarantine: { max_age: 30d }
`
const rounds = Number(process.env['POSTERN_KILLS'] ?? 5)
const messages = 20

/** Held for two recipients each. */
async function fill({ port }: StartedGateway, round: number): Promise<readonly string[]> {
  const names = Array.from({ length: messages }, (_, index) => `${round}-${index}`)
  await dialogue(port, [
    'EHLO client.test',
    ...names.flatMap((name) => [
      'MAIL FROM:<ann@else.test>',
      `RCPT TO:<hold-a-${name}@postern.test>`,
      `RCPT TO:<hold-b-${name}@postern.test>`,
      'DATA',
      `Subject: ${name}\r\n\r\n${name}\r\n.`,
    ]),
    'QUIT',
  ])
  return names
}

const find = async (folder: GatewayFolder) =>
  (await steerQuarantine(folder.config, { what: 'find', search: {}, limit: 10_000 })).held

test(
  'a gateway killed while it releases has released what it said, holds the rest, and loses and doubles nothing',
  { timeout: 60_000 + rounds * 20_000 },
  async () => {
    const folder = await gatewayFolder(yaml)
    const expected = new Set<string>()
    const acknowledged = new Set<string>()
    let gateway = await startGateway(folder)
    // Nothing is delivered meanwhile: a delivery whose outcome a crash eats may come twice, and is not what we look at.
    await runPostern(['queue', 'pause', '--config', folder.config])
    for (let round = 0; round < rounds; round++) {
      for (const name of await fill(gateway, round)) {
        expected.add(`hold-a-${name}@postern.test`).add(`hold-b-${name}@postern.test`)
      }
      const before = await eventually(async () => {
        const held = await find(folder)
        return held.length + acknowledgedOrGone(held, expected) === expected.size &&
          held.length > messages
          ? held
          : undefined
      }, 'everything held')
      let answers = 0
      const releases = before.slice(0, messages).map(async ({ id, recipients }) => {
        const search = { ids: [id] }
        const answer = await steerQuarantine(folder.config, {
          what: 'release',
          search,
          everybody: round % 2 === 1,
        }).catch(() => undefined)
        for (const each of answer?.held ?? [])
          each.recipients.forEach((recipient) => acknowledged.add(recipient))
        answers += answer === undefined ? 0 : 1
        if (answers === 1 + round * 3) gateway.signal('SIGKILL')
        return recipients
      })
      await Promise.all(releases)
      gateway.signal('SIGKILL')
      await gateway.exited()
      gateway = await startGateway(folder)
      const held = new Set(
        (await eventually(async () => find(folder), 'a list')).flatMap(
          ({ recipients }) => recipients,
        ),
      )
      for (const recipient of acknowledged) expect(held.has(recipient), recipient).toBe(false)
    }
    const released = await runPostern(['quarantine', 'release', '--all', '--config', folder.config])
    expect(released).toMatchObject({ code: 0, stderr: '' })
    await runPostern(['queue', 'resume', '--config', folder.config])
    await eventually(async () => {
      const { stdout } = await runPostern(['queue', 'list', '--config', folder.config])
      return stdout.includes('\n0 queued') ? true : undefined
    }, 'an empty queue')
    for (const recipient of expected) {
      const mail = await mailIn(folder, 'postern.test', recipient.replace(/@.*/, ''))
      expect(mail, recipient).toHaveLength(1)
    }
    await gateway.stop()
    await folder.remove()
  },
)

function acknowledgedOrGone(
  held: readonly { readonly recipients: readonly string[] }[],
  expected: ReadonlySet<string>,
): number {
  const still = new Set(held.flatMap(({ recipients }) => recipients))
  return [...expected].filter((recipient) => !still.has(recipient)).length
}
