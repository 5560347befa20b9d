import { expect, test } from 'vitest'
import { PosternError } from '../mail/errors.ts'
import { troubleOf } from './problem.ts'

test('an answer says nothing of our files and databases, and the log has it', () => {
  for (const code of ['STORE_FAILED', 'DISK_FAILED', 'ACCOUNTS_FAILED'] as const) {
    const trouble = troubleOf(new PosternError(code, '/var/lib/postern/admin.db: locked'), '/x')
    expect(JSON.stringify(trouble.problem)).not.toContain('admin.db')
    expect(trouble).toMatchObject({ problem: { status: 503 }, bug: true })
  }
  const gone = troubleOf(new PosternError('NOT_FOUND', '/var/spool/postern'), '/x')
  expect(gone.problem).toEqual(expect.not.objectContaining({ detail: expect.anything() }))
})

test('what somebody can mend is said to them', () => {
  const wrong = troubleOf(new PosternError('CONFIG_INVALID', 'write catch-all=bounce'), '/x')
  expect(wrong.problem).toMatchObject({
    status: 422,
    detail: expect.stringContaining('write catch-all'),
  })
})
