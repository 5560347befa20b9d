/** DKIM against Perl's Mail::DKIM, which shares no code with ours: each verifies what the other has signed. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dkim } from '../../plugins/dkim/dkim.ts'
import { dkimSign } from '../../plugins/dkim-sign/dkim-sign.ts'
import { fakeDns, pluginUnderTest } from '../../src/testkit/index.ts'
import { runProgram } from '../end-to-end/started-gateway.ts'
import { isMissing } from '../setup/components.ts'

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = String(privateKey.export({ type: 'pkcs1', format: 'pem' }))
const record = `v=DKIM1; k=rsa; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`

/** Verifies standard input with the key of the environment, whatever the name that is asked for. */
const verify = `
use Mail::DKIM::Verifier; use Net::DNS;
no warnings 'redefine';
*Mail::DKIM::DNS::query = sub {
  return Net::DNS::RR->new(owner => $_[0], type => 'TXT', txtdata => [$ENV{DKIM_RECORD} =~ /.{1,250}/g]);
};
my $dkim = Mail::DKIM::Verifier->new();
while (<STDIN>) { chomp; s/\\015$//; $dkim->PRINT("$_\\015\\012"); }
$dkim->CLOSE;
print join(' ', $dkim->result, map { $_->result_detail } $dkim->signatures);
`

/** Prints the signature of standard input by the key file that is its argument. */
const sign = `
use Mail::DKIM::Signer;
my $dkim = Mail::DKIM::Signer->new(Algorithm => 'rsa-sha256', Method => $ARGV[1],
  Domain => 'postern.test', Selector => 'default', KeyFile => $ARGV[0]);
while (<STDIN>) { chomp; s/\\015$//; $dkim->PRINT("$_\\015\\012"); }
$dkim->CLOSE;
print $dkim->signature->as_string, "\\015\\012";
`

const messages = [
  ['a plain one', 'Subject: x\r\n\r\nHello.\r\n'],
  [
    'folds, blanks and empty lines',
    'Subject:  a\r\n\tb   c \r\nTo: x@y.test,\r\n z@y.test\r\n\r\n a  b \r\n\r\n\tc\r\n\r\n\r\n',
  ],
  ['an empty body', 'Subject: x\r\n\r\n'],
  [
    '8-bit text',
    'Subject: gr\u00fc\u00df dich\r\nContent-Type: text/plain\r\n\r\n\u00e4\u00f6\u00fc  \u00df\r\n',
  ],
  ['fields that are there twice', 'To: a@b.test\r\nTo: c@d.test\r\nSubject: x\r\n\r\n.\r\n'],
] as const

const from = (text: string): string => `From: Bob <bob@postern.test>\r\n${text}`

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-mail-dkim-'))
  await writeFile(join(folder, 'key'), pem)
  await writeFile(join(folder, 'verify.pl'), verify)
  await writeFile(join(folder, 'sign.pl'), sign)
})
afterAll(() => rm(folder, { recursive: true }))

describe.skipIf(isMissing('mail-dkim'))('DKIM and Mail::DKIM', () => {
  test.each(messages)('Mail::DKIM verifies what we sign: %s', async (_, text) => {
    const files = { 'dkim/postern.test/default': pem }
    const plugin = pluginUnderTest(dkimSign, { files, session: { user: 'bob' } })
    const fields = await plugin.sign(from(text))
    const above = fields.map(({ name, value }) => `${name}: ${value}\r\n`).join('')
    const env = { DKIM_RECORD: record }
    const run = (message: string) =>
      runProgram('/usr/bin/perl', [join(folder, 'verify.pl')], { input: message, env })
    expect((await run(above + from(text))).stdout).toBe('pass pass')
    expect((await run(above + from(text).replace('Bob', 'Eve'))).stdout).toMatch(/^fail/)
  })

  test.each(messages)('we verify what Mail::DKIM signs: %s', async (_, text) => {
    const dns = fakeDns({ 'default._domainkey.postern.test': { txt: [record] } })
    for (const method of ['relaxed/relaxed', 'simple/simple', 'relaxed/simple']) {
      const args = [join(folder, 'sign.pl'), join(folder, 'key'), method]
      const { stdout } = await runProgram('/usr/bin/perl', args, { input: from(text) })
      const verdict = await pluginUnderTest(dkim, { doors: { dns } }).message(stdout + from(text))
      expect(verdict.reason).toBe('DKIM_PASS')
    }
  })
})
