/** Keys that work everywhere but in fields and dialogs. */
import { readKey, type KeyCommand, type KeyState } from '../model/keys.ts'
import { nowMs } from './clock.ts'

/** @returns a function that stops listening */
export function listenToKeys(onCommand: (command: KeyCommand) => void): () => void {
  let state: KeyState = {}
  const listener = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
    if (document.querySelector('dialog[open]') !== null) return
    if (isTyping(event.target)) {
      if (event.key === 'Escape' && event.target instanceof HTMLElement) event.target.blur()
      return
    }
    const read = readKey(state, event.key, nowMs())
    state = read.state
    if (read.command === undefined) return
    event.preventDefault()
    onCommand(read.command)
  }
  document.addEventListener('keydown', listener)
  return () => document.removeEventListener('keydown', listener)
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLInputElement && !['checkbox', 'radio'].includes(target.type))
  )
}

/** Moves the focus to the row after or before the one that has it; each row offers one link. */
export function moveInRows(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')]
  const at = rows.findIndex((row) => row.contains(document.activeElement))
  const next = at === -1 ? rows[step === 1 ? 0 : rows.length - 1] : rows[at + step]
  const link = next?.querySelector<HTMLElement>('a[href], button, summary')
  link?.focus()
  next?.scrollIntoView({ block: 'nearest' })
}

export function focusSearch(): void {
  const field = document.querySelector<HTMLInputElement>('[data-search]')
  field?.focus()
  field?.select()
}

/** After the page has changed, unless somebody is using something that stayed. */
export function focusHeading(): void {
  const { activeElement, body } = document
  const free = activeElement === null || activeElement === body
  if (!free && activeElement.closest('main, .nav') === null) return
  document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true })
}
