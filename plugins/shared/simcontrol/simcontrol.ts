/**
 * simscan's control/simcontrol, as each scanner of the chain asks it: is there such a file, and what does it say about the
 * recipients of this message? Where there is one it decides for whom is scanned: whoever is in no line is not.
 */
import {
  option,
  parseSimcontrol,
  pass,
  perRecipient,
  simOptionsFor,
  type Doubt,
  type FollowedFile,
  type Live,
  type Log,
  type Option,
  type Pass,
  type Recipient,
  type PerRecipient,
  type RecipientVerdict,
  type SimControl,
  type SimOptions,
  type Transaction,
} from 'postern/plugin'
import { followReading } from '../followed-list/follow-reading.ts'

export function simcontrolOption(description: string): Option<FollowedFile> {
  return option.file({ default: 'control/simcontrol', description })
}

/** What a scanner is called there. */
export type SimScanner = 'clam' | 'spam'

type Envelope = Pick<Transaction, 'reversePath' | 'recipients'>

export class Simcontrol {
  readonly #live: Live<SimControl>

  /** @throws FileMistakes */
  constructor(file: FollowedFile, log: Log) {
    this.#live = followReading(file, parseSimcontrol, log)
  }

  /** One for each recipient, undefined for one that is in no line; nothing where there is no such file, and all are alike. */
  forRecipients({
    reversePath,
    recipients,
  }: Envelope): readonly (SimOptions | undefined)[] | undefined {
    const { current } = this.#live
    if (current.size === 0) return undefined
    const sender = reversePath ?? undefined
    return recipients.map(({ mailbox }) => simOptionsFor(current, sender, mailbox))
  }

  /** For `classOf`: what is said about a recipient, as far as it makes a difference to who asks. */
  classOf(
    recipient: Recipient,
    { reversePath }: Pick<Transaction, 'reversePath'>,
    pick: (options: SimOptions) => unknown,
  ): string {
    const [options] = this.forRecipients({ reversePath, recipients: [recipient] }) ?? []
    return options === undefined ? '' : JSON.stringify(pick(options))
  }

  /** One for each recipient; nothing where there is no such file, and everybody's mail is scanned. */
  scannedBy(scanner: SimScanner, envelope: Envelope): readonly boolean[] | undefined {
    return this.forRecipients(envelope)?.map((options) => options?.[scanner] === true)
  }

  /** For `unasked`: nobody's mail is scanned. */
  spares(scanner: SimScanner, envelope: Envelope): Pass | undefined {
    const isSpared = this.scannedBy(scanner, envelope)?.includes(true) === false
    return isSpared ? pass({ reason: 'SIMCONTROL' }) : undefined
  }

  /** A file that switches a scanner off for everybody whom it does not name is rarely meant, nor one that strangers can use. */
  doubts(scanner: SimScanner, what: string): readonly Doubt[] {
    const { current } = this.#live
    const everybody = current.get('')?.options[scanner]
    if (current.size === 0 || everybody === false) return []
    if (everybody === true) return this.#claimed(scanner, what)
    return [
      {
        option: 'simcontrol',
        problem: `control/simcontrol has no line for everybody that says ${scanner}: whom it does not name is not scanned for ${what}`,
        remedy: `write a line :${scanner}=yes, or :${scanner}=no if that is meant`,
      },
    ]
  }

  /** The sender is looked up, too, and is who he says he is. */
  #claimed(scanner: SimScanner, what: string): readonly Doubt[] {
    const named = [...this.#live.current].flatMap(([key, { options }]) =>
      key !== '' && options[scanner] === false ? [key] : [],
    )
    if (named.length === 0) return []
    const more = named.length > mostNamed ? ` and ${named.length - mostNamed} more` : ''
    const said = `${named.slice(0, mostNamed).join(', ')}${more}`
    return [
      {
        option: 'simcontrol',
        problem: `control/simcontrol says ${scanner}=no for ${said}: as simscan does, that also counts for whoever claims to send from there, whose mail is not scanned for ${what}`,
        remedy: `say ${scanner}=yes on the lines of recipients, or let spf and dmarc refuse who is not that sender`,
      },
    ]
  }
}

const mostNamed = 3

/** What is said to those who are scanned, and nothing about the others. */
export function forThoseScanned<Given extends string>(
  verdict: RecipientVerdict<Given>,
  scanned: readonly boolean[] | undefined,
): RecipientVerdict<Given> | PerRecipient<Given> {
  if (scanned === undefined || !scanned.includes(false)) return verdict
  const { findings, reason } = verdict
  return perRecipient<Given>(
    scanned.map((isScanned) => (isScanned ? verdict : pass())),
    {
      ...(findings === undefined ? {} : { findings }),
      ...(reason === undefined ? {} : { reason }),
    },
  )
}
