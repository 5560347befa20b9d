import { expect, test } from 'vitest'
import { fakeClock } from '../testkit/fake-clock.ts'
import { fakeDisk } from '../testkit/fake-disk.ts'
import { OctetBook } from './octet-book.ts'
import { serveMaildrop } from './serve-maildrop.ts'

const files = {
  '/home/joe/Maildir/new/1.one': 'Subject: one\n\n.dot\n',
  '/home/joe/Maildir/new/2.two': 'Subject: two\n\n',
  '/home/joe/Maildir/cur/.k': '',
  '/home/joe/Maildir/tmp/.k': '',
}

async function served(path: string, ...said: readonly string[]) {
  const disk = fakeDisk(files)
  let text = ''
  async function* input(): AsyncGenerator<Uint8Array> {
    for (const each of said) yield Buffer.from(each)
  }
  const found = await serveMaildrop({
    path,
    doors: { disk, clock: fakeClock(), octets: new OctetBook() },
    input: input(),
    write: async (data) => void (text += Buffer.from(data).toString('latin1')),
  })
  const left = async (folder: string) => (await disk.list(`${path}/${folder}`)).toSorted()
  return { found, text, left }
}

test('a Maildir is served from its first answer to QUIT, and then changed', async () => {
  const { found, text, left } = await served(
    '/home/joe/Maildir',
    'STAT\r\nRETR 1\r\nDE',
    'LE 1\r\nUSER joe\r\nQUIT\r\nNOOP\r\n',
  )
  expect(found).toBe(true)
  expect(text).toBe(
    '+OK \r\n+OK 2 38\r\n+OK \r\nSubject: one\r\n\r\n..dot\r\n.\r\n+OK \r\n-ERR unimplemented\r\n+OK \r\n',
  )
  expect(await left('new')).toEqual([])
  expect(await left('cur')).toEqual(['.k', '2.two:2,'])
})

test('a client that goes without QUIT has changed nothing', async () => {
  const { found, left } = await served('/home/joe/Maildir', 'DELE 1\r\nDELE 2\r\nQUI')
  expect(found).toBe(true)
  expect(await left('new')).toEqual(['1.one', '2.two'])
})

test('who has no Maildir is told so', async () => {
  const { found, text } = await served('/home/ann/Maildir', 'STAT\r\n')
  expect([found, text]).toEqual([false, '-ERR this user has no $HOME/Maildir\r\n'])
})
