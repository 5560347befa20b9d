/** Whether the DNS is there for an entry that asks it: what `postern enable` and `postern doctor` try. */
import type { Dns } from 'postern/plugin'

/** Reserved, and there wherever the DNS of the world can be asked (RFC 2606 §3); that it is not there is an answer too. */
const someName = 'example.org'
/** Never there (RFC 6761 §6.4). */
const noName = 'postern-probe.invalid'

/** @returns what is well. @throws Error where nobody answers, or somebody answers for what does not exist */
export async function probeDns(dns: Dns, signal: AbortSignal): Promise<string> {
  try {
    await dns.mx(someName, signal)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(
      `the DNS does not answer: ${why}; see dns.servers, or the system's name servers`,
      {
        cause: error,
      },
    )
  }
  const nobody = await dns.addresses(noName, signal)
  if (nobody.answer === 'found') {
    const [address = ''] = nobody.records
    throw new Error(
      `the DNS says ${address} of ${noName}, which does not exist: use a name server that tells the truth`,
    )
  }
  return 'the DNS answers'
}
