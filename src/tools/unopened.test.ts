import { expect, test } from 'vitest'
import { PosternError } from '../mail/errors.ts'
import { unopened } from './unopened.ts'

test.each([
  ['EMFILE', /ulimit -n/],
  ['EACCES', /let this user write/],
])('a spool that cannot be opened (%s) is told with what helps', (code, remedy) => {
  const cause = Object.assign(new Error(code), { code })
  const error = new PosternError('DISK_FAILED', code, { cause })
  const [spool, store, traces] = [{ path: '/spool' }, { path: '/store' }, { path: '/traces' }]
  expect(unopened({ folder: '/etc/postern', spool, store, traces }, error)).toMatchObject({
    file: '/spool',
    remedy: expect.stringMatching(remedy),
  })
})
