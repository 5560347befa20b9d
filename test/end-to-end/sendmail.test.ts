/** Programs that call sendmail or qmail-inject, with a gateway beside them. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  checkout,
  delivered,
  gatewayFolder,
  runProgram,
  startGateway,
  type GatewayFolder,
  type Run,
  type StartedGateway,
} from './started-gateway.ts'

let folder: GatewayFolder
let gateway: StartedGateway

beforeAll(async () => {
  folder = await gatewayFolder()
  gateway = await startGateway(folder)
})
afterAll(async () => {
  await gateway.stop()
  await folder.remove()
})

async function postern(command: string, message: string): Promise<Run> {
  await writeFile(join(folder.root, 'message'), message, 'latin1')
  const script = `POSTERN_CONFIG=${folder.config} ${join(checkout, 'bin/postern')} ${command} < message`
  return runProgram('/bin/sh', ['-c', script], { cwd: folder.root })
}

describe('postern sendmail', () => {
  test('with -t sends to whom the header names, and Bcc is gone', async () => {
    const text = 'To: Bob <bob@postern.test>\nBcc: carol@postern.test\nSubject: hi\n\nline\n'
    expect(await postern('sendmail -t -i -falice@client.test', text)).toMatchObject({ code: 0 })
    const [toBob] = await delivered(folder, ['bob', 'postern.test'])
    const [toCarol] = await delivered(folder, ['carol', 'postern.test'])
    for (const mail of [toBob, toCarol]) {
      expect(mail).toContain('Return-Path: <alice@client.test>')
      expect(mail).toMatch(/^From: alice@client\.test$/m)
      expect(mail).toMatch(/^Message-ID: <\d{14}\.\d+\.qmail@/m)
      expect(mail).not.toMatch(/^Bcc/m)
      expect(mail?.endsWith('Subject: hi\n\nline\n')).toBe(true)
    }
  })

  test('takes CR LF for a line end, as Postfix does: PHP writes it', async () => {
    const text = 'To: erin@postern.test\r\nSubject: hi\r\n\r\nline\r\n'
    expect(await postern('sendmail -t -i', text)).toMatchObject({ code: 0 })
    const [mail] = await delivered(folder, ['erin', 'postern.test'])
    expect(mail?.endsWith('To: erin@postern.test\nSubject: hi\n\nline\n')).toBe(true)
  })

  test('says what option there is not', async () => {
    const { code, stderr } = await postern('sendmail -q30m', '')
    expect(code).toBe(100)
    expect(stderr).toMatch(/^sendmail: illegal option -- q\nsendmail: usage: /)
  })
})

describe('postern inject', () => {
  test('sends to its arguments, with addresses completed from the control files', async () => {
    await writeFile(join(folder.config, 'control/defaulthost'), 'postern.test\n')
    const sent = await postern('inject -f alice@client.test dave', 'Subject: hi\n\nline\n')
    expect(sent).toEqual({ code: 0, stdout: '', stderr: '' })
    const [mail] = await delivered(folder, ['dave', 'postern.test'])
    expect(mail).toContain('Cc: recipient list not shown: ;\n')
  })

  test('with -n shows what it would send', async () => {
    const { stdout } = await postern('inject -n -fa@b.c x@y.z', 'To: x@y.z\n\nline\n')
    expect(stdout).toMatch(/^Return-Path: <a@b\.c>\nDate: .* -0000\nMessage-ID: </)
    expect(stdout.endsWith('To: x@y.z\n\nline\n')).toBe(true)
  })

  test('refuses a field that it can not read', async () => {
    expect(await postern('inject bob', 'From: "open <a@b>\n\nline\n')).toEqual({
      code: 100,
      stdout: '',
      stderr: 'qmail-inject: fatal: unable to parse this line:\nFrom: "open <a@b>\n',
    })
  })
})
