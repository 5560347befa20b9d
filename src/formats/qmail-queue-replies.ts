/** What a caller of qmail-queue says of its exit code, in the words of qmail's own programs. */

export interface QmailQueueReply {
  /** `D`: for good. `Z`: it may be tried again. */
  readonly permanent: boolean
  /** With its enhanced status code at the end, without a full stop. */
  readonly text: string
}

const texts: ReadonlyMap<number, string> = new Map([
  [11, 'envelope address too long for qq (#5.1.3)'],
  [31, 'mail server permanently rejected message (#5.3.0)'],
  [32, 'we do not accept SPAM (#5.3.0)'],
  [51, 'qq out of memory (#4.3.0)'],
  [52, 'qq timeout (#4.3.0)'],
  [53, 'qq write error or disk full (#4.3.0)'],
  [54, 'qq read error (#4.3.0)'],
  [55, 'qq unable to read configuration (#4.3.0)'],
  [56, 'qq trouble making network connection (#4.3.0)'],
  [61, 'qq trouble in home directory (#4.3.0)'],
  [62, 'qq trouble creating files in queue (#4.3.0)'],
  [63, 'qq trouble creating files in queue (#4.3.0)'],
  [64, 'qq trouble creating files in queue (#4.3.0)'],
  [65, 'qq trouble creating files in queue (#4.3.0)'],
  [66, 'qq trouble creating files in queue (#4.3.0)'],
  [71, 'mail server temporarily rejected message (#4.3.0)'],
  [72, 'connection to mail server timed out (#4.4.1)'],
  [73, 'connection to mail server rejected (#4.4.1)'],
  [74, 'communication with mail server failed (#4.4.2)'],
  [81, 'qq internal bug (#4.3.0)'],
  [91, 'qq internal bug (#4.3.0)'],
  [115, 'envelope address too long for qq (#5.1.3)'],
  [120, 'unable to exec qq (#4.3.0)'],
])

/** @returns `undefined` for exit code 0: it is queued */
export function qmailQueueReply(exit: number): QmailQueueReply | undefined {
  if (exit === 0) return undefined
  const permanent = (exit >= 11 && exit <= 40) || exit === 115
  const text = texts.get(exit)
  if (text !== undefined) return { permanent, text }
  return permanent
    ? { permanent, text: 'qq permanent problem (#5.3.0)' }
    : { permanent, text: 'qq temporary problem (#4.3.0)' }
}

/** It was ended by a signal. */
export const qmailQueueCrashed: QmailQueueReply = {
  permanent: false,
  text: 'qq crashed (#4.3.0)',
}

/** It could not be started. */
export const qmailQueueMissing: QmailQueueReply = {
  permanent: false,
  text: 'unable to exec qq (#4.3.0)',
}
