/** Requests and answers as lines of JSON. Reading never throws: what makes no sense is undefined. */
import { parseJson, type JsonObject, type JsonValue } from '../mail/json.ts'
import { maxLineBytes, type ControlAnswer, type ControlRequest } from './control.ts'

export function formatLine(value: ControlRequest | ControlAnswer): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`)
}

export function readRequest(line: string): ControlRequest | undefined {
  const value = parseJson(line)
  const { verb, of } = isObject(value) ? value : {}
  return typeof verb === 'string' && of !== undefined ? { verb, of } : undefined
}

export function readAnswer(line: string): ControlAnswer | undefined {
  const answer = parseJson(line)
  const { ok, value, problem } = isObject(answer) ? answer : {}
  if (ok === true && value !== undefined) return { ok, value }
  return ok === false && typeof problem === 'string' ? { ok, problem } : undefined
}

/** Gathers bytes until a line is whole. */
export class LineReader {
  #parts: Buffer[] = []
  #bytes = 0

  /** @returns the lines that are whole now; undefined where one is too long */
  read(chunk: Buffer): readonly string[] | undefined {
    const lines: string[] = []
    let from = 0
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      lines.push(Buffer.concat([...this.#parts, chunk.subarray(from, end)]).toString())
      this.#parts = []
      this.#bytes = 0
      from = end + 1
    }
    // A copy: the chunk belongs to whoever read it.
    const rest = Buffer.from(chunk.subarray(from))
    this.#parts.push(rest)
    this.#bytes += rest.length
    return this.#bytes > maxLineBytes ? undefined : lines
  }
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
