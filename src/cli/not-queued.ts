import { legible } from '../formats/plain-line.ts'

/** What is said of an id that no message in the queue has. */
export function notQueued(id: string): string {
  return `There is no message ${legible(id)} in the queue; postern trace ${legible(id)} may know it.\n`
}
