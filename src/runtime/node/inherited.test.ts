import { expect, test } from 'vitest'
import { inheritedDescriptor } from './inherited.ts'

const passed = { LISTEN_PID: '42', LISTEN_FDS: '3', LISTEN_FDNAMES: 'smtp:other:other' }

test('a socket of systemd is found by its name, any by its number', () => {
  expect(inheritedDescriptor('smtp', passed, 42)).toBe(3)
  expect(inheritedDescriptor(7, {}, 42)).toBe(7)
})

test('a name that was not passed, or twice, or to another process, is none', () => {
  expect(() => inheritedDescriptor('mx', passed, 42)).toThrow('only smtp, other, other')
  expect(() => inheritedDescriptor('other', passed, 42)).toThrow('several')
  expect(() => inheritedDescriptor('smtp', passed, 43)).toThrow('no sockets')
  expect(() => inheritedDescriptor('smtp', {}, 42)).toThrow('no sockets')
})
