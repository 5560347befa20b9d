import { describe, expect, test } from 'vitest'
import { objectionTo, parseProviders, parseSimulation } from './apt.ts'

const output = `Reading package lists...
0 upgraded, 2 newly installed, 1 to remove and 3 not upgraded.
Remv exim4-base [4.96-15] [exim4-daemon-light:amd64 ]
Inst libnsl2:amd64 (1.3.0-2 Debian:12.15/oldstable [amd64])
Inst swaks (20201014.0-2 Debian:12.15/oldstable [all])
Conf swaks (20201014.0-2 Debian:12.15/oldstable [all])
`

const mailServers = parseProviders(`Package: mail-transport-agent
Versions:

Reverse Depends:
  swaks,mail-transport-agent
Reverse Provides:
postfix 3.7.11-0+deb12u1 (= )
exim4-daemon-light 4.96-15+deb12u10 (= )
`)

describe('installing test components', () => {
  test('knows what apt would install and remove', () => {
    expect(parseSimulation(output)).toEqual({
      installs: ['libnsl2', 'swaks'],
      removes: ['exim4-base'],
    })
  })

  test('knows the mail servers by what they provide', () => {
    expect([...mailServers]).toEqual(['postfix', 'exim4-daemon-light'])
  })

  test('refuses to remove a package', () => {
    expect(objectionTo(parseSimulation(output), mailServers)).toBe('apt would remove exim4-base')
  })

  test('refuses to bring a mail server', () => {
    expect(objectionTo({ installs: ['cpio', 'postfix'], removes: [] }, mailServers)).toBe(
      'apt would install a mail server: postfix',
    )
  })

  test('goes ahead when nothing is lost and no mail server comes', () => {
    expect(objectionTo({ installs: ['swaks'], removes: [] }, mailServers)).toBeUndefined()
  })
})
