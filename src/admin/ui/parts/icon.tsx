import { iconPaths, type IconName } from '../model/icons.ts'

/** Always beside a word, which says the same; a reader skips it. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={iconPaths[name]} />
    </svg>
  )
}
