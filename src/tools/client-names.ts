/**
 * TCPREMOTEHOST: the name of a client by DNS, looked up before it is greeted, where a rule of tcp.smtp asks for names and
 * no rule for its very address comes before. Nobody waits for it longer than its deadline; then the client has no name.
 */
import { isPosternError } from '../mail/errors.ts'
import { addressNames } from '../runtime/address-names.ts'
import type { Doors } from '../runtime/doors.ts'

export interface ClientNamesOptions {
  /** `confirmed`: only one that leads back to the address; `any`: whatever the address says of itself. */
  readonly names: 'confirmed' | 'any' | 'off'
  readonly timeoutMs: number
}

/** Never rejects. */
export async function clientName(
  address: string,
  { names: wanted, timeoutMs }: ClientNamesOptions,
  { dns, clock, log }: Pick<Doors, 'dns' | 'clock' | 'log'>,
): Promise<string | undefined> {
  if (wanted === 'off') return undefined
  const controller = new AbortController()
  const timer = clock.after(timeoutMs, () => controller.abort())
  try {
    const { names, confirmed } = await addressNames(dns, address, controller.signal)
    return confirmed ?? (wanted === 'any' ? names[0] : undefined)
  } catch (error) {
    const problem = isPosternError(error) ? error.message : String(error)
    log.warn('client-name.unknown', { address, problem })
    return undefined
  } finally {
    timer.cancel()
  }
}
