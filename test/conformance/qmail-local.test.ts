/**
 * What the real qmail-local printed, and left behind, in 251 situations. The files of the vectors are bytes written
 * as Latin-1 text; `@CTIME@` stands for the time, `qp N` for a process.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { latin1 } from '../../src/formats/octets.ts'
import { deliverAsCalled } from '../../src/tools/local.ts'

interface Vector {
  readonly name: string
  readonly files: Readonly<Record<string, string>>
  readonly modes: Readonly<Record<string, string>>
  readonly home_mode: string | null
  readonly argv: readonly string[]
  readonly dry_run: boolean
  readonly msg: string | null
  readonly rc: number
  readonly out: string
  readonly err: string
  readonly files_after?: Readonly<Record<string, string>>
}

const folder = new URL('../fixtures/qmail/', import.meta.url)
const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL('qmail-local.json', folder), 'utf8'),
)

/** Root may read what nobody may. */
const isRoot = process.getuid?.() === 0
const aboutRights = new Set(['mode:0o0'])

function homeOf({ files, modes, home_mode: homeMode }: Vector): string {
  const home = mkdtempSync(join(tmpdir(), 'postern-home-'))
  onTestFinished(() => rmSync(home, { recursive: true }))
  chmodSync(home, 0o755)
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(home, name), text, 'latin1')
    const mode = modes[name]
    chmodSync(join(home, name), mode === undefined ? 0o644 : Number(mode))
  }
  if (homeMode !== null) chmodSync(home, Number(homeMode))
  return home
}

async function run(
  vector: Vector,
  home: string,
): Promise<{ out: string; err: string; rc: number }> {
  const argv = vector.argv.map((each) => each.replace('$HOME', home))
  const [user, , local, dash, extension, host, sender, defaultDelivery] = argv
  let out = ''
  let err = ''
  const rc = await deliverAsCalled(
    {
      address: {
        user: user ?? '',
        home,
        local: local ?? '',
        dash: dash ?? '',
        extension: extension ?? '',
        host: host ?? '',
        sender: sender ?? '',
      },
      defaultDelivery: defaultDelivery ?? '',
      message: Buffer.from(vector.msg ?? 'Subject: x\n\nhi\n', 'latin1'),
      environment: new Map([
        ['PATH', '/usr/bin:/bin'],
        ['QMAILQUEUE', queueProgram(vector, home)],
      ]),
      queueProgram: ['/nowhere'],
      hostname: 'host.example',
      pid: process.pid,
      dryRun: vector.dry_run,
    },
    {
      out(bytes) {
        out += latin1(bytes)
      },
      err(bytes) {
        err += latin1(bytes)
      },
    },
    new AbortController().signal,
  )
  return { out, err, rc }
}

/** Keeps what it is handed, as the program did that the vectors were made with. */
function queueProgram({ name }: Vector, home: string): string {
  const [, exit = '0'] = /qqexit(\d+)/.exec(name) ?? []
  const path = join(home, '.queue.sh')
  writeFileSync(
    path,
    `#!/bin/sh\ncat >'${home}/cap.msg'\ncat <&1 >'${home}/cap.env'\nexit ${exit}\n`,
  )
  chmodSync(path, 0o755)
  return path
}

function withoutTime(text: string): string {
  return text.replace(/(?<=^(?:UFLINE=)?From \S+ ).*$/gm, '@CTIME@').replace(/^qp \d+$/gm, 'qp N')
}

describe('qmail-local', () => {
  const possible = vectors.filter(({ name }) => !(isRoot && aboutRights.has(name)))

  test('is known by 251 vectors', () => {
    expect(vectors).toHaveLength(251)
  })

  test.each(possible.map((vector) => [vector.name, vector] as const))('%s', async (_, vector) => {
    const home = homeOf(vector)
    if (vector.name === 'symlinkless-dir') mkdirSync(join(home, '.qmail'))
    const { out, err, rc } = await run(vector, home)
    expect({ out: withoutTime(out), err, rc }).toEqual({
      out: withoutTime(vector.out),
      err: vector.err,
      rc: vector.rc,
    })
    for (const [name, text] of Object.entries(vector.files_after ?? {})) {
      const left = withoutTime(readFileSync(join(home, name), 'latin1')).replaceAll(home, '$HOME')
      expect(left).toBe(withoutTime(text))
    }
  })
})
