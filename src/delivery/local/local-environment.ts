/** What a program in a .qmail file is told of the delivery (qmail-command.8). */
import type { Instant } from '../../mail/instant.ts'
import { quoteAddress } from '../../formats/qmail-address.ts'
import type { DeliveryLines, LocalAddress } from './local-address.ts'

export function deliveryLines(address: LocalAddress, now: Instant): DeliveryLines {
  const { local, host, sender } = address
  const author = sender === '' ? 'MAILER-DAEMON' : sender.replace(/[ \t\n]/g, '-')
  return {
    from: `From ${author} ${mboxDate(now)}\n`,
    returnPath: `Return-Path: <${oneLine(quoteAddress(sender))}>\n`,
    deliveredTo: `Delivered-To: ${oneLine(`${local}@${host}`)}\n`,
  }
}

function oneLine(text: string): string {
  return text.replaceAll('\n', '_')
}

/** `Sat Nov 21 08:26:35 2026`, in UTC. */
function mboxDate(now: Instant): string {
  const date = new Date(now)
  const [day, dayOfMonth, month, year] = date.toUTCString().replace(',', '').split(' ')
  return `${day} ${month} ${dayOfMonth} ${date.toISOString().slice(11, 19)} ${year}`
}

export interface Naming {
  /** What `default` stands for in the name of the file that is obeyed. */
  readonly default: string | undefined
  /** The reverse-path of what is forwarded. */
  readonly newSender: string
}

/** @param base what is there already, such as PATH */
export function localEnvironment(
  address: LocalAddress,
  lines: DeliveryLines,
  { base, naming }: { readonly base: ReadonlyMap<string, string>; readonly naming: Naming },
): ReadonlyMap<string, string> {
  const { user, home, local, host, extension, sender } = address
  const environment = new Map(base)
  environment.delete('DEFAULT')
  const set: Readonly<Record<string, string>> = {
    USER: user,
    HOME: home,
    LOCAL: local,
    HOST: host,
    HOST2: shortened(host, 1),
    HOST3: shortened(host, 2),
    HOST4: shortened(host, 3),
    EXT: extension,
    EXT2: afterDashes(extension, 1),
    EXT3: afterDashes(extension, 2),
    EXT4: afterDashes(extension, 3),
    RECIPIENT: `${local}@${host}`,
    SENDER: sender,
    NEWSENDER: naming.newSender,
    DTLINE: lines.deliveredTo,
    RPLINE: lines.returnPath,
    UFLINE: lines.from,
    ...(naming.default === undefined ? {} : { DEFAULT: naming.default }),
  }
  for (const [name, value] of Object.entries(set)) environment.set(name, value)
  return environment
}

/** Without its last labels, as long as there is a dot. */
function shortened(host: string, labels: number): string {
  let short = host
  for (let cut = 0; cut < labels; cut += 1) {
    const dot = short.lastIndexOf('.')
    if (dot >= 0) short = short.slice(0, dot)
  }
  return short
}

/** What follows that many dashes; empty where there are fewer. */
function afterDashes(extension: string, dashes: number): string {
  let rest = extension
  for (let cut = 0; cut < dashes; cut += 1) {
    const dash = rest.indexOf('-')
    rest = dash < 0 ? '' : rest.slice(dash + 1)
  }
  return rest
}
