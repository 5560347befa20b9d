/** `state`: the folder that `../var` stands for, in defaults and where it is written. */
import { join } from 'node:path'

/** Beside the configuration, if nothing else is said. */
export const usualState = '../var/'

/** Where something of the gateway's own lies. */
export function inState(path: string, state: string): string {
  return path.startsWith(usualState) ? join(state, path.slice(usualState.length)) : path
}

const line = /^state:[ \t]*(?:"([^"\n]+)"|'([^'\n]+)'|([^\s#'"][^\s#]*))/m

/** What a text says that is no YAML at the moment, as far as its lines tell. */
export function stateInLines(text: string): string {
  const [, ...found] = line.exec(text) ?? []
  return found.find((each) => each !== undefined) ?? usualState
}
