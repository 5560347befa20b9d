/**
 * What is read of one message before its signatures can be verified: its header, and the hash of its body. Who verifies
 * DKIM and who verifies ARC are two entries, asked at the same time; each reading is made once for both.
 */
import { isPosternError, type Message } from 'postern/plugin'
import { relaxedBodyHash } from './body-hash.ts'
import { headerOf } from './signed-header.ts'
import type * as ToolsLibrary from 'mailauth/lib/tools.js'

type Signed = Pick<Message, 'read' | 'bodyOffset' | 'sizeBytes'>

/** The same for everybody who asks about a message: it is all that the two entries have in common. */
export const readingOf = sharedReadings()

function sharedReadings(): (message: Signed) => SignedReading {
  const readings = new WeakMap<Signed, SignedReading>()
  return (message) => {
    const reading = readings.get(message) ?? new SignedReading(message)
    readings.set(message, reading)
    return reading
  }
}

class SignedReading {
  readonly #message: Signed
  #fields: Promise<ToolsLibrary.ParsedHeader> | undefined
  #bodyHash: Promise<string> | undefined

  constructor(message: Signed) {
    this.#message = message
  }

  /** As mailauth reads it, with each bare line feed made a line end; nobody changes it. @throws PosternError DISK_FAILED */
  async fields(
    parse: (header: Buffer) => ToolsLibrary.ParsedHeader,
  ): Promise<ToolsLibrary.ParsedHeader> {
    this.#fields ??= headerOf(this.#message).then(parse)
    try {
      return await this.#fields
    } catch (error) {
      this.#fields = undefined
      throw error
    }
  }

  /** Relaxed, SHA-256, of all of it. @throws PosternError ABORTED, DISK_FAILED */
  async bodyHash(signal: AbortSignal): Promise<string> {
    for (;;) {
      const hash = (this.#bodyHash ??= relaxedBodyHash(this.#message, signal))
      try {
        return await hash
      } catch (error) {
        if (this.#bodyHash === hash) this.#bodyHash = undefined
        // Whoever began it may have been called off, and who waited with them not.
        if (signal.aborted || !isPosternError(error, 'ABORTED')) throw error
      }
    }
  }
}
