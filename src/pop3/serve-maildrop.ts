/**
 * qmail-pop3d: the TRANSACTION state on a standard input and output, for somebody who has logged in already, and whose process this
 * is. The first answer is that to PASS. Without QUIT nothing is deleted, and nothing moves.
 */
import { isPosternError } from '../mail/errors.ts'
import { maxLineBytes, parseCommand } from './command.ts'
import type { MailDialogue, Verb } from './dialogue.ts'
import { LineReader } from './line-reader.ts'
import { capabilities, dele, last, list, noop, retr, rset, stat, top, uidl } from './mail-verbs.ts'
import { Maildrop, type DropMessage, type MaildropDoors } from './maildrop.ts'
import * as replies from './replies.ts'
import type { Answer } from './replies.ts'

export interface MaildropService {
  /** The Maildir. */
  readonly path: string
  readonly doors: MaildropDoors
  readonly input: AsyncIterable<Uint8Array>
  /** Resolves when there is room for more. */
  readonly write: (data: string | Uint8Array) => Promise<void>
}

const quit: Verb<MailDialogue> = {
  state: 'any',
  async run({ drop, deleted }) {
    const whole = (await drop?.update(deleted)) ?? true
    return replies.farewell(whole ? replies.ok : replies.notAllDeleted)
  },
}

const capa: Verb<MailDialogue> = {
  state: 'any',
  run: () => replies.listing([...capabilities, 'EXPIRE NEVER', 'IMPLEMENTATION Postern']),
}

const verbs: ReadonlyMap<string, Verb<MailDialogue>> = new Map([
  ['CAPA', capa],
  ['STAT', stat],
  ['LIST', list],
  ['UIDL', uidl],
  ['RETR', retr],
  ['TOP', top],
  ['DELE', dele],
  ['RSET', rset],
  ['LAST', last],
  ['NOOP', noop],
  ['QUIT', quit],
])

/** @returns whether there was a Maildir; why not has been said */
export async function serveMaildrop({
  path,
  doors,
  input,
  write,
}: MaildropService): Promise<boolean> {
  const drop = await opened(path, doors)
  if (!(drop instanceof Maildrop)) {
    await write(drop.text)
    return false
  }
  const dialogue = { drop, deleted: new Set<DropMessage>() }
  await write(replies.ok.text)
  const lines = new LineReader(maxLineBytes)
  for await (const chunk of input) {
    lines.push(Buffer.from(chunk))
    for (let line = lines.line(); line !== undefined; line = lines.line()) {
      const answer = typeof line === 'string' ? await answerTo(line, dialogue) : replies.syntaxError
      await speak(answer, write)
      if (answer.next === 'end') return true
    }
  }
  return true
}

async function opened(path: string, doors: MaildropDoors): Promise<Maildrop | Answer> {
  try {
    return await Maildrop.open(path, doors)
  } catch (error) {
    if (!isPosternError(error)) throw error
    return isPosternError(error, 'NOT_FOUND') ? replies.noMaildir : replies.maildirUnreadable
  }
}

async function answerTo(line: string, dialogue: MailDialogue): Promise<Answer> {
  const { verb, rest } = parseCommand(line)
  return (await verbs.get(verb)?.run(dialogue, rest)) ?? replies.unimplemented
}

async function speak({ text, body }: Answer, write: MaildropService['write']): Promise<void> {
  await write(text)
  if (body === undefined) return
  for await (const chunk of body) await write(chunk)
}
