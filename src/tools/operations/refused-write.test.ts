import { expect, test } from 'vitest'
import { PosternError } from '../../mail/errors.ts'
import { refusedWrite } from './refused-write.ts'

const failed = (code: string): PosternError => {
  const cause = Object.assign(new Error(code), { code })
  return new PosternError('DISK_FAILED', '/etc/postern/postern.yaml', { cause })
}

test.each(['EACCES', 'EPERM', 'EROFS'])(
  'whoever saves a configuration that the gateway may not write hears that (%s)',
  (code) => {
    expect(refusedWrite(failed(code))).toMatchObject({
      kind: 'forbidden',
      message: expect.stringMatching(/may not write the configuration/),
    })
  },
)

test('a disk that fails is no question of who may write', () => {
  const error = failed('EIO')
  expect(refusedWrite(error)).toBe(error)
})
