/**
 * Which domains this gateway takes mail for, by qmail's files. It only ever vouches: whom it does
 * not know, somebody else may vouch for. Without its files it vouches for nobody, where qmail
 * without rcpthosts would be an open relay.
 */
import {
  accept,
  asciiDomain,
  controlList,
  definePlugin,
  moreRcpthosts,
  option,
  parseRcpthosts,
  pass,
  type CdbTable,
  type DomainList,
} from 'postern/plugin'

export const rcpthosts = definePlugin({
  name: 'rcpthosts',
  summary: 'Vouches for recipients in the domains of control/rcpthosts and morercpthosts.cdb.',
  vouches: 'local',
  options: {
    file: option.file({
      default: 'control/rcpthosts',
      description: 'One domain a line; .example.org stands for everything below example.org.',
    }),
    more: option.cdb({
      default: 'control/morercpthosts.cdb',
      description: 'The same for very many domains, as made by qmail-newmrh.',
    }),
  },
  setup({ file, more }, { log }) {
    const listed = file.follow((bytes) => {
      const { value, mistakes } = parseRcpthosts(bytes)
      for (const { line, text, remedy } of mistakes) {
        log.warn('rcpthosts.line-useless', { path: file.path, line, text, remedy })
      }
      return value
    })
    const written = file.follow((bytes) => controlList(bytes).map(({ text }) => text))
    const database = moreRcpthosts(more)
    return {
      rcpt({ recipient }) {
        const { localPart, domain } = recipient.mailbox
        if (domain === '') {
          return localPart.toLowerCase() === 'postmaster'
            ? accept({ reason: 'POSTMASTER' })
            : pass()
        }
        const entry = find(listed.current, domain) ?? find(database, domain)
        return entry === undefined ? pass() : accept({ reason: 'RCPTHOSTS', evidence: { entry } })
      },
      vouching: () => ({
        domains: [...written.current, ...keysOf(more)],
        ...(more.present ? { tables: [more.path] } : {}),
      }),
    }
  },
})

const mostListed = 100_000

function keysOf(table: CdbTable): readonly string[] {
  const keys: string[] = []
  for (const [key] of table.entries()) {
    if (keys.push(Buffer.from(key).toString('latin1')) === mostListed) break
  }
  return keys
}

/** A domain as the client spelled it, or as its A-labels. */
function find(domains: DomainList, domain: string): string | undefined {
  return domains.find(domain) ?? domains.find(asciiDomain(domain))
}
