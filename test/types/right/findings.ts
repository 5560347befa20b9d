/** Plugins whose findings are all declared: each of them must compile. */
import {
  definePlugin,
  finding,
  findingKey,
  pass,
  perRecipient,
  reject,
  relayClient,
  type Findings,
  type Pass,
  type ReadByAll,
  type Reject,
} from 'postern/plugin'

const colour = findingKey<string, 'colour'>('colour')
const shape = findingKey<string, 'shape'>('shape')
const loose = findingKey<string>('loose')

/** One finding, or none. */
export const plain = definePlugin({
  name: 'plain',
  provides: [colour],
  setup: () => ({
    mail: () => pass(),
    rcpt: () => pass({ findings: [finding(colour, 'red')] }),
  }),
})

/** Several, together or each for itself, later, and for one recipient. */
export const several = definePlugin({
  name: 'several',
  provides: [colour, shape],
  setup: () => ({
    data: async () => pass({ findings: [finding(colour, 'red'), finding(shape, 'round')] }),
    message: () =>
      perRecipient([pass({ findings: [finding(shape, 'round')] }), reject('5.7.1', 'No')], {
        findings: [finding(colour, 'red')],
      }),
  }),
})

/** A function with a type of its own says which findings it gives. */
function judge(isRed: boolean): Pass<'colour'> | Reject {
  return isRed ? pass({ findings: [finding(colour, 'red')] }) : reject('5.7.1', 'Not red')
}

export const annotated = definePlugin({
  name: 'annotated',
  provides: [colour, shape],
  setup: () => ({ mail: ({ reversePath }) => judge(reversePath === null) }),
})

/** A key without its name as a type is only looked at while mail comes. */
export const older = definePlugin({
  name: 'older',
  provides: [loose],
  setup: () => ({ mail: () => pass({ findings: [finding(loose, 'x')] }) }),
})

/** What is needed, wanted or provided may be read, and that somebody relays; a helper says what it reads. */
export const readers = definePlugin({
  name: 'readers',
  needs: [colour],
  wants: [shape],
  provides: [loose],
  setup: () => ({
    connect: (_event, { findings }) => relayed(findings),
    rcpt: (_event, { findings }) => {
      const said: string | undefined = findings.get(colour) ?? findings.get(shape)
      return said === findings.get(loose) ? pass() : reddish(findings)
    },
  }),
})

function relayed(findings: Findings<ReadByAll>): Pass {
  return findings.get(relayClient) === undefined ? pass() : pass({ reason: 'RELAYED' })
}

function reddish(findings: Findings<'colour'>): Pass {
  return findings.get(colour) === 'red' ? pass() : pass({ reason: 'NOT_RED' })
}
