/**
 * A password from whoever runs the command: asked for twice at a terminal, without an echo; else the first line of the
 * standard input. Never from an argument: others on this host can read those.
 */
import type { ReadStream } from 'node:tty'

/** Longer ones are refused anyway. */
const mostBytes = 4096

/** @throws Error where two answers differ, or nothing was said */
export async function readPassword(user: string): Promise<string> {
  const { stdin } = process
  if (!stdin.isTTY) return firstLine(stdin)
  const password = await readHidden(stdin, `Password for ${user}: `)
  const again = await readHidden(stdin, 'Once more: ')
  if (password !== again) throw new Error('these are two different passwords')
  return password
}

async function firstLine(input: AsyncIterable<Uint8Array>): Promise<string> {
  let text = Buffer.alloc(0)
  for await (const chunk of input) {
    text = Buffer.concat([text, chunk])
    if (text.includes('\n') || text.length > mostBytes) break
  }
  const end = text.indexOf('\n')
  return text
    .subarray(0, end < 0 ? undefined : end)
    .toString()
    .replace(/\r$/, '')
}

const end = new Set(['\r', '\n', '\u0004'])
const interrupt = '\u0003'
const erase = new Set(['\u007F', '\b'])

function readHidden(terminal: ReadStream, prompt: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const typed: string[] = []
  const listen = (chunk: string): void => {
    let read = 0
    for (const character of chunk) {
      read += character.length
      if (character === interrupt) reject(new Error('called off'))
      else if (end.has(character)) {
        // What follows is for the next question.
        terminal.off('data', listen).pause()
        if (read < chunk.length) terminal.unshift(chunk.slice(read))
        return resolve(typed.join(''))
      } else if (erase.has(character)) typed.pop()
      else if (typed.length < mostBytes) typed.push(character)
    }
  }
  process.stderr.write(prompt)
  terminal.setRawMode(true)
  terminal.setEncoding('utf8').on('data', listen).resume()
  return promise.finally(() => {
    terminal.off('data', listen).pause()
    terminal.setRawMode(false)
    process.stderr.write('\n')
  })
}
