import { expect, test } from 'vitest'
import { chainPlaceOf, entryPath } from './chain-places.ts'
import { placeOf } from './places.ts'

test('every entry of the chain has an address of its own, whatever it is named', () => {
  for (const name of ['greylist', 'shadow', 'history', 'entry', 'a/b', 'über', '%2f']) {
    expect(chainPlaceOf(placeOf(entryPath(name))?.rest ?? []), name).toEqual({ entry: name })
  }
  expect(entryPath('greylist')).toBe('/chain/greylist')
  expect(chainPlaceOf([])).toEqual({ tab: undefined })
  expect(chainPlaceOf(['shadow'])).toEqual({ tab: 'shadow' })
})
