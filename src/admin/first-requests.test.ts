import { describe, expect, test } from 'vitest'
import { firstRequestsOf } from './first-requests.ts'
import { permissionsOf } from './permissions.ts'

const named = (url: string, role: Parameters<typeof permissionsOf>[0]): readonly string[] =>
  [...(firstRequestsOf(url, permissionsOf(role)) ?? '').matchAll(/<([^>]*)>/g)].map(
    ([, path = '']) => path,
  )

describe('the header of a page', () => {
  test('names what the page asks first, as far as whoever opens it may ask', () => {
    expect(named('/', 'operator')).toEqual(['/api/v1/now', '/api/v1/chain'])
    expect(named('/', 'helpdesk')).toEqual(['/api/v1/now'])
    expect(named('/', 'domain-admin')).toEqual([])
    expect(named('/messages', 'domain-admin')).toEqual(['/api/v1/messages?limit=50'])
    expect(named('/messages', 'mailbox')).toEqual([])
    expect(named('/quarantine/abc', 'mailbox')).toEqual(['/api/v1/quarantine/abc'])
    expect(named('/messages/s1.1', 'mailbox')).toEqual([])
    expect(firstRequestsOf('/queue', new Set())).toBeUndefined()
  })

  test('names nothing that does not look like a page', () => {
    for (const url of ['/messages/a>b', '/messages/a/b', '/messages?x=1', '/queue/x', '//', '/x']) {
      expect(named(url, 'admin'), url).toEqual([])
    }
  })
})
