import { fileURLToPath } from 'node:url'
import type { InjectOptions } from '../formats/inject/inject-options.ts'
import { isPosternError } from '../mail/errors.ts'
import { systemClock } from '../runtime/node/clock.ts'
import { readDescriptor } from '../runtime/node/descriptor.ts'
import { nodePrograms } from '../runtime/node/programs.ts'
import { injectAsCalled } from '../tools/inject.ts'
import { readOffline } from '../tools/read-offline.ts'
import { defaultConfig } from './config-option.ts'

/** Hands a message to the queue, by default that of standard input, and answers as qmail-inject does: by an exit code and, if need be, a line. */
export async function runInject(
  options: InjectOptions,
  variables: Variables,
  message: AsyncIterable<Uint8Array> = readDescriptor(0),
): Promise<void> {
  try {
    await run(options, variables, message)
  } catch (error) {
    if (!isPosternError(error)) throw error
    // A configuration with a mistake, input that breaks off: whoever calls us may try again.
    process.stderr.write(`qmail-inject: fatal: ${error.message}\n`)
    process.exitCode = 111
  }
}

type Variables = Readonly<Record<string, string | undefined>>

async function run(
  options: InjectOptions,
  variables: Variables,
  message: AsyncIterable<Uint8Array>,
): Promise<void> {
  const config = variables['POSTERN_CONFIG'] ?? defaultConfig()
  const environment = new Map(
    Object.entries(variables).map(([name, value]) => [name, value ?? '']),
  ).set('POSTERN_CONFIG', config)
  const { exit, out, err } = await injectAsCalled({
    options,
    message: Buffer.concat(await Array.fromAsync(message)),
    control: readOffline(config).control,
    queue: {
      programs: nodePrograms(systemClock),
      environment,
      otherwise: [postern, 'qmail-queue'],
    },
    pid: process.pid,
  })
  process.stdout.write(out)
  process.stderr.write(err)
  process.exitCode = exit
}

const postern = fileURLToPath(new URL('../../bin/postern', import.meta.url))
