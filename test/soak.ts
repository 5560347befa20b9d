/**
 * `npm run soak`: the long versions of tests that `npm test` runs short. Bounded, on loopback, ends by itself, after
 * some two hours. `npm run soak -- test/crash/power-cut` runs one of them; POSTERN_SOAK_SCALE=0.05 all of them, briefly.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const checkout = fileURLToPath(new URL('..', import.meta.url))
const scale = Number(process.env['POSTERN_SOAK_SCALE'] ?? 1)
const scaled = (count: number): string => String(Math.max(1, Math.round(count * scale)))

const chosen = process.argv.slice(2)
const tests = chosen.length > 0 ? chosen : ['test/crash', 'src/smtp/fuzz.test.ts']
const { status } = spawnSync('npx', ['vitest', 'run', ...tests], {
  cwd: checkout,
  stdio: 'inherit',
  env: {
    ...process.env,
    POSTERN_KILLS: scaled(200),
    POSTERN_CRASH_SEEDS: scaled(50),
    POSTERN_FUZZ_SECONDS: scaled(600),
    POSTERN_FAULTS: scaled(20),
    POSTERN_CUTS: scaled(100),
    POSTERN_QUIET_CUTS: scaled(30),
  },
})
process.exitCode = status ?? 1
