/** `npm run soak`: the long versions of tests that `npm test` runs short. Bounded, on loopback, ends by itself. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const checkout = fileURLToPath(new URL('..', import.meta.url))
const { status } = spawnSync('npx', ['vitest', 'run', 'test/crash', 'src/smtp/fuzz.test.ts'], {
  cwd: checkout,
  stdio: 'inherit',
  env: {
    ...process.env,
    POSTERN_KILLS: '200',
    POSTERN_CRASH_SEEDS: '50',
    POSTERN_FUZZ_SECONDS: '600',
    POSTERN_FAULTS: '20',
    POSTERN_CUTS: '100',
    POSTERN_QUIET_CUTS: '30',
  },
})
process.exitCode = status ?? 1
