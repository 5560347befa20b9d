/** Doubts about a configuration that holds mail and never lets it go, or whose digests have links that lead nowhere. */
import type { Configuration } from '../config/configuration.ts'
import type { Generation } from '../filter/generation.ts'
import type { Mistake } from '../plugin/mistake.ts'
import { linkBaseOf } from './open-quarantine.ts'

/** Any entry at `message` may hold: what is refused for one of several recipients is held for that one. */
export function quarantineDoubts(
  configuration: Configuration,
  generation: Generation,
): readonly Mistake[] {
  const { quarantine, thresholds, thresholdRules, receiver } = configuration
  const { maxAgeMs, maxBytes, maxMessages } = quarantine
  const isLimited = [maxAgeMs, maxBytes, maxMessages].some((limit) => limit !== undefined)
  const holds =
    generation.places.message.some(({ entry }) => !entry.shadow) ||
    generation.entries.some(({ onFault, shadow }) => onFault === 'quarantine' && !shadow) ||
    [thresholds, ...thresholdRules.values()].some(({ quarantine: at }) => typeof at === 'number')
  if (isLimited || !holds) return []
  return [
    {
      file: receiver.place.file,
      key: 'quarantine',
      problem: 'mail may be quarantined, and is then kept for ever',
      code: 'quarantine-without-retention',
      remedy: 'write quarantine: { max_age: 30d, max_size: 1GB }',
    },
  ]
}

/** Whoever reads along where the links go unencrypted may follow them. */
export function digestLinkDoubts(
  configuration: Pick<Configuration, 'quarantine' | 'admin'>,
  file: string,
): readonly Mistake[] {
  const { quarantine } = configuration
  const base = quarantine.digest === undefined ? undefined : linkBaseOf(configuration)
  if (base === undefined || !URL.canParse(base)) return []
  const { protocol, hostname, pathname } = new URL(base)
  const where = {
    file,
    key:
      quarantine.digest?.linkBase === undefined
        ? 'admin.public_url'
        : 'quarantine.digest.link_base',
  }
  const doubts: Mistake[] = []
  if (!pathname.endsWith('/quarantine')) {
    doubts.push({
      ...where,
      problem: `links of digests lead to ${pathname}, and the administration serves /quarantine`,
      code: 'digest-links',
      remedy: `write ${new URL('/quarantine', base).href}`,
    })
  }
  if (protocol !== 'https:' && !isThisHost(hostname)) {
    doubts.push({
      ...where,
      problem: 'links of digests go unencrypted, and whoever reads along may follow them',
      code: 'digest-links',
      remedy: `write ${base.replace(/^http:/, 'https:')}`,
    })
  }
  return doubts
}

function isThisHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.[\d.]+$/.test(hostname)
}
