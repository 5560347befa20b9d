/**
 * The daemon: load, compose, open, wait for a signal, close. The standard output is for whoever started it by hand;
 * what happens afterwards goes to the log.
 */
import { formatListenAddress } from './config/listen-address.ts'
import { formatMistake } from './config/format-mistake.ts'
import { openGateway, type Gateway } from './compose.ts'
import { hostProcess } from './runtime/node/process.ts'

/** How long sessions and deliveries under way may take to end after SIGTERM. */
const graceMs = 30_000

/**
 * Runs the gateway until SIGTERM or SIGINT.
 * @param folder the configuration folder, as the operator wrote it
 * @returns the exit code: 0 after a graceful stop, 1 where the configuration has mistakes or something could not start
 */
export async function runDaemon(folder: string): Promise<number> {
  // The timers of the clock keep no process alive, and at the end only they are left.
  const alive = setInterval(() => undefined, 3_600_000)
  try {
    return await runUntilStopped(folder)
  } finally {
    clearInterval(alive)
  }
}

async function runUntilStopped(folder: string): Promise<number> {
  const stop = signalled()
  const opened = await openGateway(folder)
  for (const doubt of opened.doubts) process.stderr.write(`warning: ${formatMistake(doubt)}\n`)
  if (opened.gateway === undefined) {
    for (const mistake of opened.mistakes) process.stderr.write(`${formatMistake(mistake)}\n`)
    const count = opened.mistakes.length
    process.stderr.write(`${count} ${count === 1 ? 'mistake' : 'mistakes'}\n`)
    return 1
  }
  const { gateway } = opened
  hostProcess.onSignal('SIGHUP', () => void gateway.reload())
  hostProcess.onSignal('SIGALRM', () => void gateway.retryNow())
  process.stdout.write(greeting(gateway, folder))
  const signal = await stop
  process.stdout.write(`${signal}: finishing what is under way\n`)
  await gateway.close(graceMs)
  return 0
}

/** The first signal ends the gateway gracefully, the second at once. */
function signalled(): Promise<string> {
  return new Promise((resolve) => {
    let count = 0
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      hostProcess.onSignal(signal, () => {
        count += 1
        if (count > 1) process.exit(1)
        resolve(signal)
      })
    }
  })
}

/** What a person who has just started it wants to know. */
function greeting({ listeners, entries, maildirs, hostname }: Gateway, folder: string): string {
  const lines = listeners.map(
    ({ name, address }) => `  listening on ${formatListenAddress(address)} (${name})`,
  )
  const chain = entries.map(({ name, mode, summary }) => {
    const remark = mode === 'enforce' ? '' : ` [${mode}]`
    return `    ${name}${remark}${summary === undefined ? '' : `  ${summary}`}`
  })
  const first = listeners.find(({ address }) => 'port' in address)?.address
  const server = first === undefined ? '' : ` --server ${formatListenAddress(first)}`
  return `${[
    `Postern on ${hostname}, configured by ${folder}`,
    ...lines,
    '  the chain, in order:',
    ...chain,
    `  mail for control/locals lands in ${maildirs}/<domain>/<local-part>/`,
    '  ready; send a test message with:',
    `    npx postern send --to bob@${hostname}${server}`,
  ].join('\n')}\n`
}
