/** A session that somebody composes, and what would be said to it. What it says cannot be more than one line of SMTP. */
import { Refusal } from '../../admin/refusal.ts'
import type { Outcome } from '../../admin/schemas/messages.ts'
import type { TryRequest, TryResult } from '../../admin/schemas/system.ts'
import { isAddressLiteral } from '../../mail/domain.ts'
import { parseMailbox } from '../../mail/address.ts'
import type { Mistake } from '../../plugin/mistake.ts'
import type { Trace, TracedStep } from '../../filter/trace-reader.ts'
import { stepView } from './message-view.ts'

/** What a rehearsal takes and gives; it is handed in, for it knows every room. */
export interface RehearsalRequest {
  readonly listener?: string
  readonly client: string
  readonly clientName?: string
  readonly hello: string
  readonly login?: string
  readonly from: string
  readonly to: readonly string[]
  readonly message?: Uint8Array
}

export type Rehearse = (request: RehearsalRequest) => Promise<
  | { readonly ok: false; readonly mistakes: readonly Mistake[]; readonly noListener?: boolean }
  | {
      readonly ok: true
      readonly played: {
        readonly replies: readonly {
          readonly stage: string
          readonly recipient?: string
          readonly code: number
          readonly status: string
          readonly text: string
        }[]
        readonly commits: readonly { readonly placement: { readonly disposition: string } }[]
        readonly trace?: Trace
        readonly missing: readonly string[]
        readonly faults: readonly string[]
        readonly problem?: string
      }
    }
>

/** @throws Refusal 422 for what is no session, or where the configuration has mistakes */
export async function tryOut(request: TryRequest, rehearse: Rehearse): Promise<TryResult> {
  const rehearsed = await rehearse(sessionOf(request))
  if (!rehearsed.ok && rehearsed.noListener === true) {
    throw wrong('/listener', 'is no listener that takes mail by SMTP')
  }
  if (!rehearsed.ok) {
    throw new Refusal('invalid', 'The configuration has mistakes', { mistakes: rehearsed.mistakes })
  }
  const { replies, commits, trace, missing, faults, problem } = rehearsed.played
  const placed = commits.map(({ placement }) => placement.disposition)
  const outcome = outcomeOf(placed, replies.at(-1)?.code ?? 0)
  const steps = trace?.steps ?? []
  const deciding = outcome === 'accepted' ? undefined : steps.findLast(objects)
  return {
    outcome,
    replies: replies.map(({ stage, recipient, code, status, text }) => ({
      verb: recipient === undefined ? stage : `${stage} ${recipient}`,
      code,
      status,
      text,
    })),
    ...(trace === undefined ? {} : { rule: trace.environment }),
    steps: steps.map((step, index) => ({ ...stepView(step, index), deciding: step === deciding })),
    check: [...missing, ...faults, ...(problem === undefined ? [] : [problem])],
  }
}

function objects({ mode, kind, verdict }: TracedStep): boolean {
  return mode === 'enforce' && kind !== 'lifted' && verdict !== 'pass' && verdict !== 'accept'
}

function outcomeOf(placed: readonly string[], lastCode: number): Outcome {
  if (placed.includes('deliver')) return 'accepted'
  if (placed.includes('hold')) return 'quarantined'
  if (placed.includes('discard')) return 'discarded'
  if (lastCode >= 500) return 'refused'
  return lastCode >= 400 ? 'deferred' : 'abandoned'
}

function sessionOf(request: TryRequest): RehearsalRequest {
  const { ip, host, hello = 'client.example', listener, user, reversePath, recipients } = request
  const client = ip.replace(/^\[(.*)\]$/, '$1')
  if (!isAddressLiteral(`[${client}]`) && !isAddressLiteral(`[IPv6:${client}]`)) {
    throw wrong('/ip', 'is no IP address')
  }
  if (!isWord(hello)) throw wrong('/hello', 'holds blanks or control characters')
  if (user !== undefined && !isWord(user))
    throw wrong('/user', 'holds blanks or control characters')
  const from = reversePath === '<>' ? '' : reversePath.replace(/^<(.*)>$/, '$1')
  if (from !== '' && !isAddress(from)) throw wrong('/reversePath', 'is no address')
  const odd = recipients.findIndex((each) => !isAddress(each))
  if (odd >= 0) throw wrong(`/recipients/${odd}`, 'is no address')
  return {
    client,
    hello,
    from,
    to: recipients,
    ...(host === undefined ? {} : { clientName: host }),
    ...(listener === undefined ? {} : { listener }),
    ...(user === undefined ? {} : { login: user }),
    ...(request.message === undefined ? {} : { message: Buffer.from(request.message) }),
  }
}

function isWord(text: string): boolean {
  return /^[^\s\p{C}]+$/u.test(text)
}

function isAddress(text: string): boolean {
  return (
    !/[\p{C}<>]/u.test(text) &&
    parseMailbox(text, { smtputf8: true, barePostmaster: true }) !== undefined
  )
}

function wrong(pointer: string, detail: string): Refusal {
  return new Refusal('invalid', undefined, { errors: [{ pointer, detail }] })
}
