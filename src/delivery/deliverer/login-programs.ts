import type { Deliverer } from '../../runtime/deliverer.ts'
import type { Programs } from '../../runtime/programs.ts'

/** The door to programs of a gateway that has a deliverer: who reads passwords of the host is run by root. */
export function withLoginPrograms(programs: Programs, deliverer: Deliverer): Programs {
  return {
    canStart: (path) => programs.canStart(path),
    start: (call) => programs.start(call),
    async run(call, signal) {
      if (call.byDeliverer !== true) return programs.run(call, signal)
      const end = await deliverer.checkpassword(call, signal)
      return { pid: 0, end, outputs: new Map(), overflowed: new Set() }
    },
  }
}
