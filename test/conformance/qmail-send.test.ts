/**
 * Whole-queue scenarios of notqmail: what is put in by qmail-queue, and what then lies where. Names of queue files, numbers of
 * processes and the wording of Received fields are ours; whatever else is in a mailbox is held against the original's byte by byte.
 */
import { readFileSync } from 'node:fs'
import { chmod, chown, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  checkout,
  gatewayFolder,
  runPostern,
  runProgram,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from '../end-to-end/started-gateway.ts'

interface Scenario {
  readonly name: string
  readonly control: Readonly<Record<string, string>>
  /** .qmail files by user. */
  readonly users: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly alias: Readonly<Record<string, string>>
  readonly sends: readonly (readonly [
    sender: string,
    recipients: readonly string[],
    message: string,
  ])[]
  readonly delivered: Readonly<Record<string, readonly string[]>>
  readonly qstat: string
}

/** qmail asks for a host without a name for a week; we say at once that it is none, to a sender whom this host does not reach. */
const hopeless = new Set(['alice@'])

const isRoot = process.getuid?.() === 0
const uid = isRoot ? 8123 : (process.getuid?.() ?? 0)
const gid = isRoot ? 8124 : (process.getgid?.() ?? 0)

const scenarios: readonly Scenario[] = JSON.parse(
  readFileSync(new URL('../fixtures/qmail/qmail-send.json', import.meta.url), 'utf8'),
)

let folder: GatewayFolder
let gateway: StartedGateway

beforeAll(async () => {
  folder = await host()
  gateway = await startGateway(folder)
})
afterAll(async () => {
  await gateway.stop()
  await folder.remove()
})

test.each(scenarios.map((each) => [each.name, each] as const))(
  'the queue does what qmail-send does: %s',
  async (_, scenario) => {
    await becomeHostOf(scenario)
    for (const [sender, recipients, message] of scenario.sends) {
      const known = recipients.filter((each) => !hopeless.has(each))
      // oxlint-disable-next-line no-await-in-loop -- in their order
      await queue(folder, { sender, recipients: known, message })
    }
    const wanted = Object.values(scenario.delivered).flat().length
    await expect.poll(() => mailCount(folder), { interval: 50 }).toBe(wanted)
    await expect.poll(() => queued(folder), { interval: 50 }).toBe(0)
    expect(new Map(await mailOf(folder))).toEqual(expected(scenario))
  },
)

const users = ['alice', 'bob']
const homeOf = (user: string): string => join(folder.root, 'home', user)

/** What is the same in every scenario. */
async function host(): Promise<GatewayFolder> {
  const made = await gatewayFolder()
  await chmod(made.root, 0o755)
  const yaml = await made.read('postern.yaml')
  await made.write(
    'postern.yaml',
    yaml.replace('\ndelivery:\n', '\ndelivery:\n  local: users\n  bounce_format: qsbmf\n'),
  )
  await made.write('control/rcpthosts', 'host.example\n')
  const lines = users.flatMap((user) => {
    const about = `${user}:${uid}:${gid}:${join(made.root, 'home', user)}`
    return [`=${user}:${about}:::`, `+${user}-:${about}:-::`]
  })
  await made.write('users/assign', `${lines.join('\n')}\n.\n`)
  return made
}

/** The gateway takes the host of another scenario on. */
async function becomeHostOf(scenario: Scenario): Promise<void> {
  for (const name of new Set(scenarios.flatMap(({ control }) => Object.keys(control)))) {
    const text = scenario.control[name]
    if (text === undefined) await rm(join(folder.config, 'control', name), { force: true })
    else await folder.write(`control/${name}`, text)
  }
  for (const user of users) await homeWith(homeOf(user), scenario.users[user] ?? {})
  await homeWith(join(folder.config, 'alias'), scenario.alias)
  expect(await runPostern(['reload', '--config', folder.config])).toMatchObject({ code: 0 })
}

async function homeWith(home: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(home, { recursive: true })
  for (const name of await readdir(home)) await rm(join(home, name), { recursive: true })
  const folders = ['', 'Maildir', 'Maildir/cur', 'Maildir/new', 'Maildir/tmp']
  for (const each of folders) await mkdir(join(home, each), { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(home, name), text)
  if (!isRoot) return
  for (const each of [...folders, ...Object.keys(files)]) await chown(join(home, each), uid, gid)
}

async function queue(
  folder: GatewayFolder,
  { sender, recipients, message }: Sending,
): Promise<void> {
  const program = join(checkout, 'bin/postern')
  await writeFile(join(folder.root, 'message'), message, 'latin1')
  await writeFile(
    join(folder.root, 'envelope'),
    `F${sender}\0${recipients.map((each) => `T${each}\0`).join('')}\0`,
    'latin1',
  )
  const command = `'${program}' qmail-queue --config '${folder.config}' <message 1<envelope`
  const run = await runProgram('/bin/sh', ['-c', command], { cwd: folder.root })
  expect(run).toMatchObject({ code: 0, stderr: '' })
}

interface Sending {
  readonly sender: string
  readonly recipients: readonly string[]
  readonly message: string
}

async function queued(folder: GatewayFolder): Promise<number> {
  const { stdout } = await runPostern(['queue', 'list', '--json', '--config', folder.config])
  return stdout.split('\n').filter((line) => line !== '').length
}

async function mailCount(folder: GatewayFolder): Promise<number> {
  return (await mailOf(folder)).reduce((sum, [, mail]) => sum + mail.length, 0)
}

/** By mailbox, each in an order of its own. */
async function mailOf(folder: GatewayFolder): Promise<(readonly [string, readonly string[]])[]> {
  const boxes = [
    ['home/alice', join(folder.root, 'home/alice')],
    ['home/bob', join(folder.root, 'home/bob')],
    ['q/alias', join(folder.config, 'alias')],
  ] as const
  const found: (readonly [string, readonly string[]])[] = []
  for (const [name, home] of boxes) {
    const names = await readdir(join(home, 'Maildir/new'))
    const mail = await Promise.all(
      names.map((each) => readFile(join(home, 'Maildir/new', each), 'latin1')),
    )
    if (mail.length > 0) found.push([name, mail.map(comparable).toSorted()])
  }
  return found
}

function expected({ delivered }: Scenario): ReadonlyMap<string, readonly string[]> {
  return new Map(
    Object.entries(delivered).map(([path, mail]) => [
      path.replace('/Maildir/new/@N@', ''),
      mail.map((each) => comparable(each)).toSorted(),
    ]),
  )
}

/** Where ours differs on purpose. */
function comparable(mail: string): string {
  return (
    mail
      // Who received it, and when, is said in our own words; a bounce was received by nobody.
      .replaceAll(/^Received: .*\n(?:[ \t].*\n)*/gm, '')
      .replaceAll(/^Date: .*$/gm, 'Date: @')
      // Empty lines at the end of a report go.
      .replaceAll(/(?<=\n\n)\n+/g, '')
      // Recipients come in the order of the envelope, not in that in which they failed.
      .replaceAll(/(?:^<.*>:\n(?:.+\n)+\n)+/gm, (block) =>
        block
          .split(/(?<=\n\n)/)
          .toSorted()
          .join(''),
      )
      // A domain is the same in every case (RFC 5321 §2.4).
      .replaceAll(
        /^(Delivered-To: .*@)(.*)$/gm,
        (_, local: string, host: string) => local + host.toLowerCase(),
      )
  )
}
