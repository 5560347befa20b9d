import { expect, test } from 'vitest'
import { whenOpen } from './early-signals.ts'

test('signals that come while the gateway opens are heeded once it is open, and later ones at once', () => {
  const send = new Map<string, () => void>()
  const open = whenOpen({ onSignal: (signal, callback) => void send.set(signal, callback) })
  send.get('SIGHUP')?.()
  send.get('SIGHUP')?.()
  const heeded: string[] = []
  open({
    reload: async () => void heeded.push('reload'),
    retryNow: async () => heeded.push('retryNow'),
  })
  expect(heeded).toEqual(['reload'])
  send.get('SIGALRM')?.()
  send.get('SIGHUP')?.()
  expect(heeded).toEqual(['reload', 'retryNow', 'reload'])
})
