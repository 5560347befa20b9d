import { beforeEach, describe, expect, test } from 'vitest'
import type { Configuration } from '../config/configuration.ts'
import { PosternError } from '../mail/errors.ts'
import { fakeClock } from '../testkit/fake-clock.ts'
import { FollowedConfiguration } from './followed-configuration.ts'
import { readFolder } from './read-offline.ts'

const yaml = (port: number): string =>
  `listeners: [{ name: mx, listen: '127.0.0.1:${port}' }]\nchain: []\n`

describe('the configuration that is followed', () => {
  const clock = fakeClock()
  const texts = new Map<string, string>()
  const disk = {
    readFileNow(path: string): Uint8Array {
      const text = texts.get(path)
      if (text === undefined) throw new PosternError('NOT_FOUND', path)
      return Buffer.from(text)
    },
  }
  let followed: FollowedConfiguration
  const current = (): Configuration => {
    clock.advance(1000)
    return followed.current
  }
  const port = (): string => JSON.stringify(current().listeners[0]?.address)

  beforeEach(() => {
    texts.clear()
    texts.set('/etc/postern/postern.yaml', yaml(2525))
    const { configuration } = readFolder('/etc/postern', disk)
    if (configuration === undefined) throw new Error('no configuration')
    followed = new FollowedConfiguration({
      folder: '/etc/postern',
      first: configuration,
      clock,
      disk,
    })
  })

  test('is made once from files that stay as they are', () => {
    expect(current()).toBe(current())
  })

  test('is another as soon as a file is, comes, or goes', () => {
    const { me } = current().control
    texts.set('/etc/postern/postern.yaml', yaml(2526))
    expect(port()).toContain('2526')
    texts.set('/etc/postern/control/me', 'mx.example.org\n')
    expect(current().control.me).toBe('mx.example.org')
    texts.delete('/etc/postern/control/me')
    expect(current().control.me).toBe(me)
    expect(port()).toContain('2526')
  })

  test('stays as it was while its file is gone or is no YAML', () => {
    const before = current()
    texts.set('/etc/postern/postern.yaml', 'listeners: [')
    expect(current()).toBe(before)
    texts.delete('/etc/postern/postern.yaml')
    expect(current()).toBe(before)
    texts.set('/etc/postern/postern.yaml', yaml(2526))
    expect(port()).toContain('2526')
  })

  test('is looked for at once after somebody has written', () => {
    current()
    texts.set('/etc/postern/postern.yaml', yaml(2527))
    expect(JSON.stringify(followed.current.listeners)).toContain('2525')
    followed.forget()
    expect(JSON.stringify(followed.current.listeners)).toContain('2527')
  })
})
