/**
 * What handshakes are done with: the certificates of each listener, and what rules of tcp.smtp have in place of them for their
 * clients. The latter is made when the first such client comes, and forgotten with the certificate that is renewed.
 */
import type { ListenerConfiguration } from '../config/configuration.ts'
import type { SettingsOf } from '../filter/listener-settings.ts'
import { emptyEnvironment } from '../mail/environment.ts'
import { PosternError } from '../mail/errors.ts'
import { mistakeAt, type Mistake } from '../plugin/mistake.ts'
import type { Net, TlsContext, TlsIdentity, TlsSettings } from '../runtime/net.ts'
import type { TlsChoice } from '../smtp/policy.ts'

/** For one certificate. Rules are few; whoever has more lists of ciphers makes them up. */
const mostContexts = 64

type Made = { readonly context: TlsContext } | { readonly problem: string }

export class TlsContexts {
  readonly #net: Pick<Net, 'tlsContext'>
  /** By the name of the listener; those without TLS are not in it. */
  readonly #listeners: ReadonlyMap<string, { settings: TlsSettings; context: TlsContext }>
  /** By the certificate that is shown; for each by listener and ciphers. */
  readonly #chosen = new WeakMap<TlsIdentity, Map<string, Made>>()

  /**
   * @param own shown where a listener names no certificate
   * @throws PosternError CONFIG_INVALID
   */
  constructor(
    listeners: readonly Pick<ListenerConfiguration, 'name' | 'tls'>[],
    net: Pick<Net, 'tlsContext'>,
    own: TlsIdentity | undefined,
  ) {
    this.#net = net
    this.#listeners = new Map(
      listeners.flatMap(({ name, tls }) => {
        const settings = tls === undefined ? undefined : settingsOf(tls, own)
        return settings === undefined
          ? []
          : [[name, { settings, context: net.tlsContext(settings) }] as const]
      }),
    )
  }

  /**
   * @returns undefined where the listener has no certificate
   * @throws PosternError CONFIG_INVALID where what is chosen for the client cannot be used
   */
  of(listener: string, choice?: TlsChoice): TlsContext | undefined {
    const usual = this.#listeners.get(listener)
    if (usual === undefined || choice === undefined) return usual?.context
    const made = this.#choose(listener, usual.settings, choice)
    if ('problem' in made) throw new PosternError('CONFIG_INVALID', made.problem)
    return made.context
  }

  /** Why what is chosen for a client cannot be used at a listener; undefined where it can. */
  readonly problem = (listener: string, choice: TlsChoice): string | undefined => {
    const usual = this.#listeners.get(listener)
    if (usual === undefined) return undefined
    const made = this.#choose(listener, usual.settings, choice)
    return 'problem' in made ? made.problem : undefined
  }

  #choose(listener: string, usual: TlsSettings, { certificate, ciphers }: TlsChoice): Made {
    const held = certificate?.held ?? usual
    if ('problem' in held) return { problem: held.problem }
    const made = this.#chosen.get(held) ?? new Map<string, Made>()
    this.#chosen.set(held, made)
    const key = `${listener} ${ciphers ?? ''}`
    const before = made.get(key)
    if (before !== undefined) return before
    if (made.size >= mostContexts) made.clear()
    const others = certificate === undefined ? usual.others : []
    const { clients } = usual
    const now = this.#make({
      certificate: held.certificate,
      key: held.key,
      ...(others === undefined ? {} : { others }),
      ...(clients === undefined ? {} : { clients }),
      ...(ciphers === undefined ? {} : { ciphers }),
    })
    made.set(key, now)
    return now
  }

  #make(settings: TlsSettings): Made {
    try {
      return { context: this.#net.tlsContext(settings) }
    } catch (error) {
      const words = error instanceof PosternError ? (error.detail ?? error.message) : String(error)
      const { ciphers } = settings
      const named = ciphers === undefined ? '' : ` (ciphers ${JSON.stringify(ciphers)})`
      return { problem: `${words}${named}` }
    }
  }
}

/** What the file itself chooses for all clients of a listener, and no handshake could use. */
export function choiceMistakes(
  listeners: readonly Pick<ListenerConfiguration, 'name' | 'place'>[],
  settingsOf: SettingsOf,
  contexts: TlsContexts,
): readonly Mistake[] {
  return listeners.flatMap(({ name, place }): readonly Mistake[] => {
    const { tls } = settingsOf(name, emptyEnvironment).settings
    const problem = tls === undefined ? undefined : contexts.problem(name, tls)
    if (problem === undefined) return []
    const remedy = 'mend tls_certificate or tls_ciphers of receiver, or take them away'
    return [mistakeAt(place, ['receiver'], { problem, remedy })]
  })
}

type ListenerTls = NonNullable<ListenerConfiguration['tls']>

function settingsOf(
  { identities, clients }: ListenerTls,
  own: TlsIdentity | undefined,
): TlsSettings | undefined {
  const [first = own, ...others] = identities
  if (first === undefined) return undefined
  return { ...first, others, ...(clients === undefined ? {} : { clients }) }
}
