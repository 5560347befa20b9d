import { expect, test } from 'vitest'
import { resolverDoubts, rewritingDoubts, strangersFirstDoubts } from './chain-doubts.ts'

const doubtsOf = (servers: readonly string[], dane: boolean, resolvConf = '') =>
  resolverDoubts(
    {
      chain: [],
      dns: { servers },
      receiver: { place: { file: 'postern.yaml', path: [], lineOf: () => undefined } },
      delivery: { tls: { dane } },
    },
    resolvConf,
  ).map(({ file, problem }) => `${file}: ${problem}`)

test('DANE is doubted where its name server is far away', () => {
  const answers = 'and whoever is on the way may answer'
  expect(doubtsOf(['8.8.8.8:53', '127.0.0.1'], true)).toEqual([
    `postern.yaml: delivery.dane believes 8.8.8.8, ${answers}`,
  ])
  expect(doubtsOf(['[2001:4860:4860::8888]:53'], true)).toHaveLength(1)
  expect(doubtsOf([], true, 'nameserver 9.9.9.9\n')).toEqual([
    `/etc/resolv.conf: delivery.dane believes 9.9.9.9, ${answers}`,
  ])
  for (const near of ['127.0.0.1', '[::1]:53', '10.0.0.2', '172.18.0.3', 'fd00::1']) {
    expect(doubtsOf([near], true), near).toEqual([])
  }
  expect(doubtsOf(['8.8.8.8'], false)).toEqual([])
})

test('where senders are rewritten, somebody must take the bounces', () => {
  const doubts = (
    delivery: { readonly srs: boolean; readonly local: 'users' | 'maildirs' },
    plugins: readonly string[],
    role: 'mx' | 'submission' = 'mx',
  ) =>
    rewritingDoubts(
      { delivery, listeners: [{ role }], receiver: { place: { file: 'postern.yaml' } } },
      plugins.map((plugin) => ({ plugin, mode: 'enforce' })),
    ).length
  const users = { srs: true, local: 'users' } as const
  expect(doubts(users, ['rcpthosts'])).toBe(1)
  expect(doubts({ srs: true, local: 'maildirs' }, ['mailboxes'])).toBe(1)
  expect(doubts(users, ['srs', 'rcpthosts'])).toBe(0)
  expect(doubts(users, ['rcpthosts'], 'submission')).toBe(0)
  expect(doubts({ srs: false, local: 'users' }, ['rcpthosts'])).toBe(0)
  expect(doubts({ srs: true, local: 'maildirs' }, ['rcpthosts'])).toBe(0)
})

test('what answers or remembers strangers before somebody could vouch is told of', () => {
  const place = { file: 'postern.yaml', path: [], lineOf: () => undefined }
  const problemsOf = (names: readonly string[], vouching: number) =>
    strangersFirstDoubts(
      {
        chain: names.map((name) => ({
          name,
          plugin: name,
          place,
        })),
      },
      { places: { rcpt: names.map((name) => ({ entry: { name } })), vouching } },
    ).map(({ problem }) => problem.slice(0, 45))
  expect(problemsOf(['greylist', 'badrcptto', 'rcpthosts'], 3)).toEqual([
    'greylist answers before rcpthosts can vouch: ',
  ])
  expect(problemsOf(['rcpthosts', 'greylist', 'badrcptto'], 1)).toEqual([])
  expect(problemsOf(['greylist'], 0)).toEqual([])
})
