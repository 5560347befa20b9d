/** Options as programs of the qmail world take them: single letters, bundled or not, up to the first argument that is none. */
export interface Getopt {
  readonly options: readonly { readonly letter: string; readonly value: string }[]
  readonly rest: readonly string[]
  /** The first letter that cannot be used; nothing after it was read. `needsValue`: it came without one. */
  readonly illegal?: { readonly letter: string; readonly needsValue: boolean }
}

/** @param letters all that there are, each followed by a colon where it takes a value */
export function getopt(args: readonly string[], letters: string): Getopt {
  const options: { letter: string; value: string }[] = []
  let index = 0
  for (; index < args.length; index++) {
    const arg = args[index] ?? ''
    if (!arg.startsWith('-') || arg === '-') break
    if (arg === '--') {
      index++
      break
    }
    for (let at = 1; at < arg.length; at++) {
      const letter = arg.charAt(at)
      const known = letter === ':' ? -1 : letters.indexOf(letter)
      if (known < 0) {
        return { options, rest: args.slice(index + 1), illegal: { letter, needsValue: false } }
      }
      if (letters[known + 1] !== ':') {
        options.push({ letter, value: '' })
        continue
      }
      const attached = arg.slice(at + 1)
      const value = attached === '' ? args[++index] : attached
      if (value === undefined) {
        return { options, rest: [], illegal: { letter, needsValue: true } }
      }
      options.push({ letter, value })
      break
    }
  }
  return { options, rest: args.slice(index) }
}

/** What they say of an option that cannot be used, with a line end. */
export function illegalOption(
  program: string,
  { letter, needsValue }: NonNullable<Getopt['illegal']>,
): string {
  const what = needsValue ? 'option requires an argument' : 'illegal option'
  return `${program}: ${what} -- ${letter}\n`
}
