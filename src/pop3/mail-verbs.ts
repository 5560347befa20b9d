/** The TRANSACTION state (RFC 1939 §5, §7): nothing is changed here, DELE only marks. */
import { isPosternError } from '../mail/errors.ts'
import { numbersIn } from './command.ts'
import type { MailDialogue, Verb } from './dialogue.ts'
import { inTurns } from './in-turns.ts'
import type { DropMessage, Maildrop } from './maildrop.ts'
import { MessageText } from './message-text.ts'
import * as replies from './replies.ts'
import type { Answer } from './replies.ts'

const state = 'transaction'

/** RFC 2449: what can be said here. */
export const capabilities: readonly string[] = [
  'TOP',
  'UIDL',
  'RESP-CODES',
  'AUTH-RESP-CODE',
  'PIPELINING',
]

export const noop: Verb<MailDialogue> = { state, run: () => replies.ok }

/** What is deleted is not counted: qmail-pop3d counts it, against RFC 1939 §5. */
export const stat: Verb<MailDialogue> = {
  state,
  async run(dialogue) {
    const sizes = await sizesOf(dialogue)
    const octets = [...sizes.values()].reduce((sum, each) => sum + each, 0)
    return replies.okWith(`${sizes.size} ${octets}`)
  },
}

export const list: Verb<MailDialogue> = {
  state,
  async run(dialogue, rest) {
    if (rest.trim() === '') {
      const sizes = await sizesOf(dialogue)
      return replies.listing([...sizes].map(([{ number }, octets]) => `${number} ${octets}`))
    }
    return withMessage(dialogue, rest, async (message, drop) =>
      replies.okWith(`${message.number} ${await drop.octets(message)}`),
    )
  },
}

export const uidl: Verb<MailDialogue> = {
  state,
  run(dialogue, rest) {
    if (rest.trim() === '') {
      return replies.listing(left(dialogue).map(({ number, uid }) => `${number} ${uid}`))
    }
    return withMessage(dialogue, rest, async ({ number, uid }) =>
      replies.okWith(`${number} ${uid}`),
    )
  },
}

export const retr: Verb<MailDialogue> = {
  state,
  run: (dialogue, rest) => withMessage(dialogue, rest, (message, drop) => sent(drop, message)),
}

/** Without a number of lines the whole message, as qmail-pop3d. */
export const top: Verb<MailDialogue> = {
  state,
  run(dialogue, rest) {
    const [number, lines] = numbersIn(rest, 2) ?? []
    if (number === undefined) return replies.syntaxError
    return withMessage(dialogue, String(number), (message, drop) => sent(drop, message, lines))
  },
}

export const dele: Verb<MailDialogue> = {
  state,
  run: (dialogue, rest) =>
    withMessage(dialogue, rest, async (message) => {
      dialogue.deleted.add(message)
      return replies.ok
    }),
}

export const rset: Verb<MailDialogue> = {
  state,
  run({ deleted }) {
    deleted.clear()
    return replies.ok
  },
}

/** The highest number that was deleted, as qmail-pop3d has it; no client of today asks. */
export const last: Verb<MailDialogue> = {
  state,
  run({ deleted }) {
    let highest = 0
    for (const { number } of deleted) highest = Math.max(highest, number)
    return replies.okWith(String(highest))
  },
}

function left({ drop, deleted }: MailDialogue): readonly DropMessage[] {
  return (drop?.messages ?? []).filter((message) => !deleted.has(message))
}

/** In order. What another session has deleted meanwhile is left out. */
async function sizesOf(dialogue: MailDialogue): Promise<ReadonlyMap<DropMessage, number>> {
  const { drop } = dialogue
  const messages = left(dialogue)
  const found = new Map<DropMessage, number>()
  await inTurns(messages, async (message) => {
    const octets = await drop?.octets(message).catch(orGone)
    if (octets !== undefined) found.set(message, octets)
  })
  return new Map(
    messages.flatMap((message) => {
      const octets = found.get(message)
      return octets === undefined ? [] : [[message, octets] as const]
    }),
  )
}

function orGone(error: unknown): undefined {
  if (!isPosternError(error, 'NOT_FOUND')) throw error
}

async function withMessage(
  { drop, deleted }: MailDialogue,
  rest: string,
  answer: (message: DropMessage, drop: Maildrop) => Promise<Answer>,
): Promise<Answer> {
  const [number] = numbersIn(rest, 1) ?? []
  if (number === undefined || drop === undefined) return replies.syntaxError
  if (number === 0) return replies.countedFromOne
  const message = drop.messages[number - 1]
  if (message === undefined) return replies.notThatMany
  if (deleted.has(message)) return replies.alreadyDeleted
  try {
    return await answer(message, drop)
  } catch (error) {
    if (!isPosternError(error)) throw error
    return replies.unopenable
  }
}

/** Begun before anything is said: a file that cannot be read is an answer, and no half of one. */
async function sent(drop: Maildrop, message: DropMessage, lines?: number): Promise<Answer> {
  const content = drop.read(message)
  const first = await content.next()
  return { ...replies.ok, body: encoded(first, content, new MessageText(lines)) }
}

async function* encoded(
  first: IteratorResult<Uint8Array>,
  content: AsyncGenerator<Uint8Array>,
  text: MessageText,
): AsyncGenerator<Uint8Array> {
  try {
    for (let next = first; next.done !== true; next = await content.next()) {
      yield text.encode(next.value)
      if (text.done) break
    }
    yield text.end()
  } finally {
    await content.return(undefined)
  }
}
