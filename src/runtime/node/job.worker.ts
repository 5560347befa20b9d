/** A thread for jobs. */
import { registerHooks } from 'node:module'
import { parentPort } from 'node:worker_threads'
import { JobServer } from './job-server.ts'

const contract = new URL('../../plugin/index.ts', import.meta.url).href

// Jobs of plugins that lie elsewhere find the contract here, as their plugins do.
registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier === 'postern/plugin') {
      const format = contract.endsWith('.ts') ? 'module-typescript' : 'module'
      return { url: contract, format, shortCircuit: true }
    }
    const resolved = nextResolve(specifier, context)
    // A folder of plugins needs no package.json to say that its files are modules.
    return resolved.url.endsWith('.ts') ? { ...resolved, format: 'module-typescript' } : resolved
  },
})

const server = new JobServer((message) => parentPort?.postMessage(message))
parentPort?.on('message', (message) => server.hear(message))
