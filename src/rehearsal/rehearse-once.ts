/** One session that somebody thought of, through the configuration as it lies on the disk; real DNS and real scanners are asked. */
import { resolve } from 'node:path'
import type { PolicyTest } from '../config/policy-tests.ts'
import { configurationResources } from '../config/resources.ts'
import { buildGeneration } from '../filter/build-generation.ts'
import { loadEntries } from '../filter/load-entries.ts'
import type { Mistake } from '../plugin/mistake.ts'
import { examinedAccounts } from '../tools/examined-accounts.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { systemDisk } from '../runtime/node/disk.ts'
import { configuredDns } from '../tools/configured-dns.ts'
import { generationRequest } from '../tools/load-chain.ts'
import { silentLog } from '../tools/silent-log.ts'
import { readFolder } from '../tools/read-offline.ts'
import { trustedLoader } from '../tools/trusted-loader.ts'
import { listenerOf, playTest, type PlayedTest, type PlayRequest } from './play-test.ts'

export interface Rehearsal {
  readonly listener?: string
  readonly client: string
  readonly clientName?: string
  readonly hello: string
  /** Who had logged in. */
  readonly login?: string
  /** Empty: the null path. */
  readonly from: string
  readonly to: readonly string[]
  readonly message?: Uint8Array
}

export type Rehearsed =
  | { readonly ok: true; readonly played: PlayedTest }
  | {
      readonly ok: false
      readonly mistakes: readonly Mistake[]
      /** None of that name takes mail by SMTP. */
      readonly noListener?: boolean
    }

/** Nothing is delivered, and nothing is written down. @param folder the configuration folder */
export async function rehearse(folder: string, asked: Rehearsal): Promise<Rehearsed> {
  const { configuration, mistakes } = readFolder(folder)
  if (configuration === undefined || mistakes.length > 0) return { ok: false, mistakes }
  if (listenerOf(asked, configuration.listeners) === undefined) {
    return { ok: false, mistakes, noListener: true }
  }
  const resources = configurationResources(resolve(folder), { disk: systemDisk, log: silentLog })
  const accounts = examinedAccounts(configuration)
  const loader = trustedLoader(configuration)
  const dns = configuredDns(configuration.dns)
  let wrong: readonly Mistake[] = []
  try {
    const loaded = await loadEntries(loader, configuration.chain)
    if (loaded.mistakes.length > 0) return { ok: false, mistakes: loaded.mistakes }
    const build: PlayRequest['build'] = (change, doors) => {
      const request = generationRequest(change(loaded.entries), { configuration, doors, resources })
      const built = buildGeneration(request)
      if (built.ok) return built.generation
      wrong = built.mistakes
      throw new TypeError('the chain has mistakes')
    }
    const real = { accounts, dns }
    const { message } = asked
    const played = await playTest({ test: testOf(asked), message, configuration, real, build })
    return { ok: true, played }
  } catch (error) {
    if (wrong.length > 0) return { ok: false, mistakes: wrong }
    throw error
  } finally {
    await accounts.close()
    resources.close()
    loader.close()
  }
}

function testOf({ listener, client, clientName, hello, login, from, to }: Rehearsal): PolicyTest {
  return {
    test: 'try it',
    file: '',
    line: 1,
    listener,
    client,
    client_name: clientName,
    hello,
    // A login is offered under TLS alone.
    tls: login !== undefined,
    login,
    at: new Date(systemClock.now()).toISOString(),
    from,
    mail_parameters: '',
    to,
    message: undefined,
    message_file: undefined,
    net: 'real',
    off: [],
    dns: 'real',
    expected: { outcomes: new Map(), header: [] },
  }
}
