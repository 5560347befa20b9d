/** Which aliases lead to a mailbox, by however many steps: whoever has it would have got their mail. */
import type { MailAlias } from '../../mail/mail-domain.ts'
import { accountKey } from '../../runtime/accounts.ts'

export interface LeadingAliases {
  /** To the mailbox and to nobody else. */
  readonly alone: readonly string[]
  /** To others as well. */
  readonly shared: readonly string[]
}

/**
 * @param address as `accountKey` has it
 * @param aliases all there are; circles in them are no harm
 */
export function aliasesLeadingTo(address: string, aliases: readonly MailAlias[]): LeadingAliases {
  const sources = sourcesOf(aliases)
  const leading = new Map<string, MailAlias>()
  const unseen = [address]
  for (let target = unseen.pop(); target !== undefined; target = unseen.pop()) {
    for (const alias of sources.get(target) ?? []) {
      if (alias.address === address || leading.has(alias.address)) continue
      leading.set(alias.address, alias)
      unseen.push(alias.address)
    }
  }
  const shared = sharedOf(address, leading, sources)
  const all = [...leading.keys()].toSorted()
  return {
    alone: all.filter((each) => !shared.has(each)),
    shared: all.filter((each) => shared.has(each)),
  }
}

type Sources = ReadonlyMap<string, readonly MailAlias[]>

/** By target. */
function sourcesOf(aliases: readonly MailAlias[]): Sources {
  const sources = new Map<string, MailAlias[]>()
  for (const alias of aliases) {
    for (const target of alias.targets) {
      const key = accountKey(target)
      const known = sources.get(key)
      if (known === undefined) sources.set(key, [alias])
      else known.push(alias)
    }
  }
  return sources
}

/** Those with a target that is somebody else, and whatever leads to them. */
function sharedOf(
  address: string,
  leading: ReadonlyMap<string, MailAlias>,
  sources: Sources,
): ReadonlySet<string> {
  const isOthers = (target: string): boolean => {
    const key = accountKey(target)
    return key !== address && !leading.has(key)
  }
  // A mailbox that keeps a copy of its alias is somebody's own.
  const first = [...leading.values()].filter(({ address: own, targets }) =>
    targets.some((target) => isOthers(target) || accountKey(target) === own),
  )
  const shared = new Set(first.map(({ address: own }) => own))
  const unseen = [...shared]
  for (let target = unseen.pop(); target !== undefined; target = unseen.pop()) {
    for (const { address: source } of sources.get(target) ?? []) {
      if (shared.has(source) || !leading.has(source)) continue
      shared.add(source)
      unseen.push(source)
    }
  }
  return shared
}
