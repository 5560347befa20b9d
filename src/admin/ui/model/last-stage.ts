import { stageOrder } from './chain-layout.ts'

/** The last stage at which anybody was asked. */
export function lastStageOf(steps: readonly { readonly stage: string }[]): string {
  const reached = steps.map(({ stage }) => stageOrder.findIndex((each) => each === stage))
  return stageOrder[Math.max(0, ...reached)] ?? 'connect'
}
