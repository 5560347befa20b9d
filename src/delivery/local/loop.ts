import { latin1 } from '../../formats/octets.ts'

/** Far more header than any message has that is still on its way. */
const maxHeaderBytes = 4 << 20

/**
 * Whether a line of the header is, byte for byte, the one that we are about to write.
 * @param line with its LF
 */
export async function comesBack(
  message: AsyncIterable<Uint8Array>,
  line: string,
): Promise<boolean> {
  let rest = ''
  let seen = 0
  for await (const chunk of message) {
    const lines = (rest + latin1(chunk)).split('\n')
    rest = lines.pop() ?? ''
    for (const each of lines) {
      if (each === '') return false
      if (`${each}\n` === line) return true
    }
    seen += chunk.length
    if (seen > maxHeaderBytes) return false
  }
  return false
}
