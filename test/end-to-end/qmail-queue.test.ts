/** Programs that know qmail hand mail to Postern, whether it runs or not. */
import { chmod, cp, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { readEnd } from '../../src/queue/handed-file.ts'
import { systemDisk } from '../../src/runtime/node/disk.ts'
import {
  checkout,
  delivered,
  gatewayFolder,
  runProgram,
  startGateway,
  type GatewayFolder,
  type Run,
} from './started-gateway.ts'

let folder: GatewayFolder

/** As a shell starts it: both descriptors are files, or, for the message, a pipe. */
async function qmailQueue(
  message: string,
  envelope: string,
  from = '< message',
  variables = '',
): Promise<Run> {
  await writeFile(join(folder.root, 'message'), message, 'latin1')
  await writeFile(join(folder.root, 'envelope'), envelope, 'latin1')
  const command = `${variables}${join(checkout, 'bin/postern')} qmail-queue --config ${folder.config}`
  const script =
    from === '|' ? `cat message | ${command} 1< envelope` : `${command} 0${from} 1< envelope`
  return runProgram('/bin/sh', ['-c', script], { cwd: folder.root })
}

const toBob = 'Falice@client.test\0Tbob@postern.test\0\0'
const incoming = (): Promise<string[]> => readdir(join(folder.root, 'var/spool/incoming'))

/** What the first start of a gateway has made. */
let made: GatewayFolder

beforeAll(async () => {
  made = await gatewayFolder()
  await (await startGateway(made)).stop()
})
afterAll(async () => made.remove())

async function madeSpool(): Promise<void> {
  folder = await gatewayFolder()
  await cp(join(made.root, 'var'), join(folder.root, 'var'), { recursive: true })
}

describe('postern qmail-queue', () => {
  afterEach(async () => folder.remove())

  test('queues with a running gateway, which delivers at once', async () => {
    folder = await gatewayFolder()
    const gateway = await startGateway(folder)
    expect(await qmailQueue('Subject: now\n\nline 1\nline 2\n', toBob, '|')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    const [mail] = await delivered(folder, ['bob', 'postern.test'])
    expect(mail).toContain('Subject: now\n\nline 1\nline 2\n')
    expect(mail).toMatch(/^Received: \(qmail \d+ invoked by uid \d+\); /m)
    expect(mail).toContain('Return-Path: <alice@client.test>')
    await gateway.stop()
    expect(await incoming()).toEqual([])
  })

  test('queues without one, and its next start delivers every byte', async () => {
    await madeSpool()
    const text = `Subject: later\n\n${'\xe4\xf6\xfc line\n'.repeat(60_000)}`
    expect((await qmailQueue(text, toBob)).code).toBe(0)
    expect(await incoming()).toHaveLength(1)
    const gateway = await startGateway(folder)
    const [mail] = await delivered(folder, ['bob', 'postern.test'])
    expect(mail?.endsWith(text)).toBe(true)
    await gateway.stop()
  })

  test('completes addresses without a host, as qmail-send does, and one that is none keeps nobody from their mail', async () => {
    await madeSpool()
    await folder.write('control/envnoathost', 'postern.test\n')
    expect((await qmailQueue('Subject: x\n\n', 'F\0Tbob\0Tno\r\nDATA@x\0\0')).code).toBe(0)
    const gateway = await startGateway(folder)
    expect((await delivered(folder, ['bob', 'postern.test']))[0]).toContain('Return-Path: <>')
    await gateway.stop()
  })

  test('keeps what a program of a .qmail file was told of REQUIRETLS', async () => {
    await madeSpool()
    for (const demand of ['', 'POSTERN_REQUIRETLS=1 ']) {
      // oxlint-disable-next-line no-await-in-loop -- they are written to one file
      expect((await qmailQueue('Subject: x\n\n', toBob, '< message', demand)).code).toBe(0)
    }
    const demands = (await incoming()).map(async (name) => {
      const file = await systemDisk.open(join(folder.root, 'var/spool/incoming', name), 'read')
      const found = await readEnd(file)
      await file.close()
      return typeof found === 'string' ? found : found.envelope.requireTls
    })
    expect(new Set(await Promise.all(demands))).toEqual(new Set([false, true]))
  })

  test('says that no spool is there', async () => {
    folder = await gatewayFolder()
    expect((await qmailQueue('Subject: x\n\n', toBob)).code).toBe(61)
  })
})

describe('what postern qmail-queue does not take', () => {
  beforeAll(madeSpool)
  afterAll(async () => folder.remove())

  test.each([
    ['nobody to send to', 'Fa@b.test\0\0', 0],
    ['an envelope that is cut short', 'Fa@b.test\0Tbob@postern.test\0', 54],
    ['no envelope', '', 54],
    ['an envelope of another form', 'Ta@b.test\0\0', 91],
    ['an address that is too long', `Fa@b.test\0T${'b'.repeat(1_003)}\0\0`, 11],
    ['a sender that would break a line', 'Fa\r\nDATA@b.test\0Tbob@postern.test\0\0', 31],
  ])('answers by its exit code and keeps nothing: %s', async (_, envelope, exit) => {
    const { code, stdout } = await qmailQueue('Subject: x\n\n', envelope)
    expect({ code, stdout }).toEqual({ code: exit, stdout: '' })
    expect(await incoming()).toEqual([])
  })

  test('says that it cannot read the message, or the configuration', async () => {
    expect((await qmailQueue('', toBob, '< .')).code).toBe(54)
    expect((await qmailQueue('', toBob, '<&-')).code).toBe(54)
    await folder.write('postern.yaml', 'spool: [\n')
    const { code, stderr } = await qmailQueue('Subject: x\n\n', toBob)
    expect(code).toBe(55)
    expect(stderr).toContain('postern.yaml')
  })
})

/** What only root can show: it starts programs as somebody else. */
describe.skipIf(process.getuid?.() !== 0)('another user of the host', () => {
  afterEach(async () => folder.remove())

  const asStranger = (script: string): Promise<Run> => {
    const line = ['--reuid', '8123', '--regid', '8124', '--clear-groups', '/bin/sh', '-c', script]
    return runProgram('/usr/bin/setpriv', line, { cwd: '/' })
  }

  test('hands mail to root’s gateway, whether it runs or not, and is named by it', async () => {
    await madeSpool()
    await chmod(folder.root, 0o755)
    await writeFile(join(folder.root, 'message'), 'Subject: from a job\n\nhi\n')
    await writeFile(join(folder.root, 'envelope'), toBob)
    const queue = `'${join(checkout, 'bin/postern')}' qmail-queue --config '${folder.config}' <'${folder.root}/message' 1<'${folder.root}/envelope'`
    expect(await asStranger(queue)).toMatchObject({ code: 0, stderr: '' })
    const gateway = await startGateway(folder)
    await delivered(folder, ['bob', 'postern.test'])
    expect(await asStranger(queue)).toMatchObject({ code: 0, stderr: '' })
    await delivered(folder, ['bob', 'postern.test'], 2)
    const told = /spool\.handover-queued.*"uid":8123/
    await expect.poll(() => gateway.stderr()).toMatch(told)
    await gateway.stop()
  })

  test('gets nothing read that is not theirs, and nothing else of the spool', async () => {
    folder = await gatewayFolder()
    await chmod(folder.root, 0o755)
    const gateway = await startGateway(folder)
    const spool = join(folder.root, 'var/spool')
    const name = '000000001-0123456789abcdef'
    await asStranger(`ln -s /etc/shadow '${spool}/incoming/${name}'`)
    await gateway.seen('it is a link')
    await asStranger(`mkfifo '${spool}/incoming/${name}'`)
    await gateway.seen('it is no file')
    expect((await asStranger(`ls '${spool}'`)).code).not.toBe(0)
    expect((await asStranger(`cat '${spool}'/lock '${spool}'/judging`)).code).not.toBe(0)
    expect((await asStranger(`rm -r '${spool}/segments'`)).code).not.toBe(0)
    await gateway.stop()
  })
})
