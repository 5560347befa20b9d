/** What programs read: every command that prints facts prints them as JSON as well, in one shape. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { programWith, wholeProgram } from '../../src/cli/program.ts'
import {
  checkout,
  gatewayFolder,
  runPostern,
  startGateway,
  type GatewayFolder,
  type StartedGateway,
} from './started-gateway.ts'

const original = "a program of qmail's, with its words"
/** Who has no --json, and why. */
const without: ReadonlyMap<string, string> = new Map([
  ['start', 'runs until it is ended'],
  ['serve-tree', 'runs until it is ended'],
  ['help', 'prose'],
  ['completion', 'a script for a shell'],
  ['queue cat', 'the bytes of a message'],
  ['user export', 'a text that user import reads'],
  ['domain export', 'a text that domain import reads'],
  ['mkauth', 'lines that mkauth reads'],
  ['pop3d', 'a protocol'],
  ...['matchup', 'zsendmail', 'tai64nlocal', 'tcprules', 'tcprulescheck'].map(
    (name) => [name, original] as const,
  ),
  ...['sendmail', 'inject', 'local', 'qmail-queue', 'smtpd', 'newu', 'newmrh', 'pw2u'].map(
    (name) => [name, original] as const,
  ),
  ...['getpw', 'mkvalidrcptto', 'forward', 'fastforward', 'dot-forward', 'setforward'].map(
    (name) => [name, original] as const,
  ),
  ...['printforward', 'newaliases', 'newinclude', 'condredirect', 'bouncesaying', 'except'].map(
    (name) => [name, original] as const,
  ),
  ...[
    'preline',
    'predate',
    'datemail',
    'qreceipt',
    'maildirmake',
    'safecat',
    'maildirsmtp',
    'maildirqmtp',
    'setlock',
    'autorespond',
  ].map((name) => [name, original] as const),
])

interface Case {
  /** The verb and those below it. */
  readonly verb: string
  readonly args?: readonly string[]
  readonly input?: string
  /** The answer is no, and there is nothing to print. */
  readonly prints?: 'nothing'
}

let folder: GatewayFolder
let gateway: StartedGateway

/** In an order that works: the last one ends the gateway. */
function cases(): readonly Case[] {
  const at = (...path: readonly string[]): string => join(folder.root, ...path)
  return [
    { verb: 'stat' },
    { verb: 'check' },
    { verb: 'chain' },
    { verb: 'showctl' },
    { verb: 'cdb' },
    { verb: 'env', args: ['192.0.2.1'] },
    { verb: 'test' },
    { verb: 'reload' },
    { verb: 'pause' },
    { verb: 'send', args: ['-v', '--to', 'bob@postern.test', '-s', `127.0.0.1:${gateway.port}`] },
    { verb: 'queue list' },
    { verb: 'queue show', args: ['ID'] },
    { verb: 'queue hold', args: ['--all'] },
    { verb: 'queue release', args: ['--all'] },
    { verb: 'queue retry', args: ['--all', '--dry-run'] },
    { verb: 'queue bounce', args: ['--all', '--dry-run'] },
    { verb: 'queue delete', args: ['--all'] },
    { verb: 'queue pause', args: ['--domain', 'example.org'] },
    { verb: 'queue resume' },
    { verb: 'queue paused' },
    { verb: 'queue damaged' },
    { verb: 'queue fsck' },
    { verb: 'cont' },
    { verb: 'flush' },
    { verb: 'doqueue' },
    { verb: 'why', args: ['last'] },
    { verb: 'trace' },
    { verb: 'log' },
    { verb: 'replay' },
    { verb: 'quarantine list' },
    { verb: 'quarantine show', args: ['nothing'], prints: 'nothing' },
    { verb: 'quarantine release', args: ['--all'] },
    { verb: 'quarantine delete', args: ['--all'] },
    { verb: 'quarantine learn-ham', args: ['--all'], prints: 'nothing' },
    { verb: 'quarantine learn-spam', args: ['--all'], prints: 'nothing' },
    { verb: 'enable', args: ['badhelo', '--mode', 'shadow'] },
    { verb: 'shadow report' },
    { verb: 'shadow promote', args: ['badhelo', '--dry-run'] },
    { verb: 'disable', args: ['badhelo'] },
    { verb: 'relay add', args: ['relayed.example', '--to', '127.0.0.1:2626'] },
    { verb: 'relay list' },
    { verb: 'relay remove', args: ['relayed.example'] },
    { verb: 'list add', args: ['block', 'sender', '@spam.example'] },
    { verb: 'list list' },
    { verb: 'list test', args: ['--sender', 'a@spam.example'] },
    { verb: 'list remove', args: ['block', 'sender', '@spam.example'] },
    { verb: 'greylist import', args: [at('jgreylist')] },
    { verb: 'greylist allow', args: ['192.0.2.1'] },
    { verb: 'greylist list' },
    { verb: 'greylist forget', args: ['192.0.2.1'] },
    { verb: 'dkim new', args: ['example.org'] },
    { verb: 'domain add', args: ['people.example'] },
    { verb: 'domain set', args: ['people.example', 'max-users=5'] },
    { verb: 'domain import', input: 'domain other.example\n' },
    { verb: 'domain list' },
    { verb: 'domain alias', args: ['other-name.example', 'people.example'] },
    { verb: 'domain aliases' },
    { verb: 'domain unalias', args: ['other-name.example'] },
    { verb: 'user add', args: ['eve@people.example'], input: 'a long password\n' },
    { verb: 'user passwd', args: ['eve@people.example'], input: 'a longer password\n' },
    { verb: 'user quota', args: ['eve@people.example', '10MB'] },
    { verb: 'user disable', args: ['eve@people.example'] },
    { verb: 'user enable', args: ['eve@people.example'] },
    { verb: 'user list' },
    { verb: 'user remove', args: ['eve@people.example'] },
    { verb: 'user import', input: '' },
    { verb: 'alias add', args: ['info@people.example', 'bob@postern.test'] },
    { verb: 'alias list' },
    { verb: 'alias remove', args: ['info@people.example'] },
    { verb: 'domain remove', args: ['people.example'] },
    { verb: 'admin user add', args: ['eve', '--role', 'operator'], input: 'a long password\n' },
    { verb: 'admin user password', args: ['eve'], input: 'a longer password\n' },
    { verb: 'admin user list' },
    { verb: 'admin token add', args: ['robot', '--owner', 'eve', '--scope', 'queue:read'] },
    { verb: 'admin token list' },
    { verb: 'admin token remove', args: ['TOKEN'] },
    { verb: 'admin user remove', args: ['eve'] },
    { verb: 'admin setup-link' },
    { verb: 'metrics' },
    { verb: 'alerts list' },
    { verb: 'alerts test' },
    { verb: 'tls-report', args: ['--day', '2026-01-31'] },
    { verb: 'doctor' },
    { verb: 'analog', args: [join(checkout, 'test/fixtures/analog')] },
    { verb: 'import', args: [join(checkout, 'test/fixtures/qmail-guide/var/qmail'), '--dry-run'] },
    { verb: 'import-vpopmail', args: [at('vpopmail'), '--dry-run'] },
    { verb: 'replay-dialogue', args: [at('dialogue'), '-s', `127.0.0.1:${gateway.port}`] },
    { verb: 'restart' },
    { verb: 'stop' },
  ]
}

/** The commands that have none below them, by the words that lead to them. */
function leaves(command: Command, words: readonly string[] = []): [string, Command][] {
  if (command.commands.length === 0) return [[words.join(' '), command]]
  return command.commands.flatMap((each) => leaves(each, [...words, each.name()]))
}

/** One value, or one object a line. */
function parsed(text: string): readonly unknown[] {
  try {
    return [JSON.parse(text)]
  } catch {
    return text
      .trimEnd()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
  }
}

describe('--json', () => {
  beforeAll(async () => {
    folder = await gatewayFolder()
    const yaml = await folder.read('postern.yaml')
    await folder.write(
      'postern.yaml',
      yaml.replace(/^admin: off$/m, "admin: { listen: '127.0.0.1:0' }"),
    )
    await folder.write('../dialogue', 'S: 220 somebody else\nC: QUIT\nS: 221 bye\n')
    await mkdir(join(folder.root, 'jgreylist'))
    await mkdir(join(folder.root, 'vpopmail/domains'), { recursive: true })
    gateway = await startGateway(folder)
  }, 60_000)
  afterAll(async () => {
    await gateway.stop()
    await folder.remove()
  })

  test('is an option of every command, but of those that have a reason', async () => {
    const commands = leaves(await wholeProgram())
    const lacking = commands.filter(
      ([, { options }]) => !options.some(({ long }) => long === '--json'),
    )
    expect(lacking.map(([name]) => name).toSorted()).toEqual([...without.keys()].toSorted())
    const tried = cases().map(({ verb }) => verb)
    const having = commands.map(([name]) => name).filter((name) => !without.has(name))
    expect(tried.toSorted()).toEqual(having.toSorted())
  }, 120_000)

  test('prints JSON and nothing else', async () => {
    const known = new Map<string, string>()
    for (const { verb, args = [], input, prints } of cases()) {
      const words = args.map((word) => known.get(word) ?? word)
      const commands = (await programWith(verb.split(' ')[0] ?? '')) as Command
      const hasConfig = leaves(commands).some(
        ([name, { options }]) => name === verb && options.some(({ long }) => long === '--config'),
      )
      const config = hasConfig ? ['--config', folder.config] : []
      const { stdout, stderr } = await runPostern(
        [...verb.split(' '), ...words, '--json', ...config],
        input,
      )
      const values = stdout === '' ? [] : parsed(stdout)
      const nothing = prints ?? (isEmptyList(commands, verb, stdout) ? 'nothing' : 'JSON')
      expect(values.length === 0 ? 'nothing' : 'JSON', `${verb}: ${stderr}`).toBe(nothing)
      for (const value of values) remember(known, verb, value)
    }
  }, 300_000)
})

/** Of a list with a line for each, nothing is an answer too. */
function isEmptyList(program: Command, verb: string, stdout: string): boolean {
  const [, command] = leaves(program).find(([name]) => name === verb) ?? []
  const about = command?.options.find(({ long }) => long === '--json')?.description ?? ''
  return stdout === '' && about.includes('a line')
}

/** Names that later commands ask by. */
function remember(known: Map<string, string>, verb: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || !('id' in value)) return
  if (verb === 'queue list') known.set('ID', String(value.id))
  if (verb === 'admin token list') known.set('TOKEN', String(value.id))
}
