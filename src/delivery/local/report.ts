/** What qmail-local prints. Text is one character for each byte. */
import type { Instruction } from '../../formats/dot-qmail.ts'
import type { LocalOutcome } from './local-delivery.ts'

/** One line without its end; `undefined` for what only changes how the rest is read. */
export function describeInstruction(instruction: Instruction): string | undefined {
  switch (instruction.do) {
    case 'mbox':
    case 'maildir':
      return `${instruction.do} ${instruction.path}`
    case 'program':
      return `program ${instruction.command}`
    case 'forward':
      return `forward ${instruction.address}`
    case 'forward-only':
      return undefined
  }
}

export interface LocalReport {
  readonly exit: 0 | 100 | 111
  readonly out: string
  readonly err: string
}

export function localReport(outcome: LocalOutcome): LocalReport {
  if (!outcome.ok) {
    const { exit, text } = outcome.trouble
    return { exit, out: '', err: text === '' ? '' : `${text}\n` }
  }
  const { files, forwards, programs } = outcome.did
  const did = `did ${files}+${forwards}+${programs}\n`
  const { queued: name = '' } = outcome
  const queued = name === '' ? '' : `qp ${name}\n`
  return { exit: 0, out: did + queued, err: '' }
}
