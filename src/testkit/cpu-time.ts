/**
 * Milliseconds that the processor worked in this process meanwhile: how busy the machine is does not count. Where a bound
 * is a hundred times what is needed, what takes quadratic time is far above it, and nothing else is.
 */
export async function cpuMsOf(work: () => unknown): Promise<number> {
  const start = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000
}
