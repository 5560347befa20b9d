import { PosternError } from '../mail/errors.ts'
import { abortable } from '../runtime/abortable.ts'
import type { Dns } from '../runtime/dns.ts'
import type { Job, Jobs } from '../runtime/jobs.ts'

/** Jobs without threads: the work is done here, on copies, as it would be there. */
export function inlineJobs(dns: Dns): Jobs {
  return {
    async run<Input, Output>(module: URL, input: Input, signal: AbortSignal): Promise<Output> {
      if (signal.aborted) throw new PosternError('ABORTED', 'a job')
      const { job }: { job: Job<Input, Output> } = await import(module.href)
      const work = async (): Promise<Output> =>
        structuredClone(await job(structuredClone(input), { dns, signal }))
      return abortable(work(), signal, 'a job')
    },
    close: () => Promise.resolve(),
  }
}
