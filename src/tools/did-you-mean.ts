import { nearest } from '../plugin/nearest.ts'

/** `did you mean hold?`, where one of the words is near enough. */
export function didYouMean(word: string, words: Iterable<string>): string | undefined {
  const meant = nearest(word, words)
  return meant === undefined ? undefined : `did you mean ${meant}?`
}
