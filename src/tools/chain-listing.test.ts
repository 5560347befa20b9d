import { expect, test } from 'vitest'
import { digests } from '../../test/fixtures/plugins/digests/digests.ts'
import { onePassword } from '../../test/fixtures/plugins/one-password/one-password.ts'
import { secrets } from '../../test/fixtures/plugins/secrets/secrets.ts'
import { chainUnderTest, entryOf } from '../testkit/chain-under-test.ts'
import { listStages } from './chain-listing.ts'

test('at AUTH everybody is listed who knows something of logins, with what it is', () => {
  const entries = [entryOf(onePassword), entryOf(secrets), entryOf(digests)]
  const { places } = chainUnderTest({ entries: [] }).build({ entries })
  const auth = listStages(places).find(({ stage }) => stage === 'auth')
  expect(auth?.entries.map(({ name, remarks }) => [name, ...remarks.slice(1)])).toEqual([
    ['one-password', 'verifies logins'],
    ['secrets', 'knows secrets, for SCRAM-SHA-256'],
    ['digests', 'checks responses, for CRAM-MD5'],
  ])
})
