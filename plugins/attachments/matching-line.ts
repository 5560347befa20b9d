/** Expressions held against the lines of a message as it was received, header included: by RE2, in linear time, and not for long. */
import { RE2JS } from 're2js'
import type { Message } from 'postern/plugin'

/** What comes later is not searched. */
export const mostSearched = 1_048_576
/** As the receiver takes them; what is longer is searched in pieces. */
const longestLine = 4_096
/** Between two breaths of the event loop. */
const bytesAtOnce = 32_768

/**
 * The expressions that some line matches. Without expressions nothing is read.
 * @param expressions that compile; matched anywhere in a line, with regard to case unless they say `(?i)`
 * @throws PosternError DISK_FAILED; whatever `signal` was aborted with
 */
export async function matchingLine(
  message: Pick<Message, 'read'>,
  expressions: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const matched = new Set<string>()
  if (expressions.size === 0) return matched
  const open = new Map([...expressions].map((each) => [each, RE2JS.compile(each)]))
  const look = (line: string): void => {
    for (const [expression, compiled] of open) {
      if (!compiled.matcher(line).find()) continue
      matched.add(expression)
      open.delete(expression)
    }
  }
  let rest = ''
  for await (const chunk of message.read({ offset: 0, length: mostSearched })) {
    for (let at = 0; at < chunk.length && open.size > 0; at += bytesAtOnce) {
      signal.throwIfAborted()
      const text = rest + Buffer.from(chunk.subarray(at, at + bytesAtOnce)).toString('latin1')
      const lines = text.split(/\r?\n/)
      rest = lines.pop() ?? ''
      for (const line of lines) piecesOf(line).forEach(look)
      if (rest.length > longestLine) {
        piecesOf(rest).forEach(look)
        rest = ''
      }
      await breath()
    }
  }
  if (rest !== '') look(rest)
  return matched
}

function piecesOf(line: string): readonly string[] {
  if (line.length <= longestLine) return [line]
  const count = Math.ceil(line.length / longestLine)
  return Array.from({ length: count }, (_, n) => line.slice(n * longestLine, (n + 1) * longestLine))
}

/** Lets the loop turn. */
function breath(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
