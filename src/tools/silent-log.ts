import type { Log } from '../runtime/log.ts'

const nothing = (): void => undefined

/** For work beside the gateway: what is wrong is told by its answer. */
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
