import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { LongFirst } from './test/setup/long-first.ts'

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: {
    alias: {
      'postern/plugin': source('./src/plugin/index.ts'),
      'postern/testkit': source('./src/testkit/index.ts'),
    },
  },
  test: {
    exclude: ['**/node_modules/**', '.cache/**', 'var/**'],
    pool: 'forks',
    // One more than the processors of a small machine: who waits for a program, a disk or a browser leaves its own idle.
    maxWorkers: 3,
    sequence: { sequencer: LongFirst },
    // Many times what the slowest needs on an idle machine: it ends what hangs, and does not judge how busy a machine is.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 45_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'units',
          include: ['src/**/*.test.ts', 'plugins/**/*.test.ts'],
          // No module holds state, so files may share a process: a process for each costs half a second of work per file.
          isolate: false,
        },
      },
      {
        extends: true,
        // What starts programs by the thousand wants a small process to start them from.
        test: { name: 'whole', include: ['test/**/*.test.ts'], isolate: true },
      },
    ],
  },
})
