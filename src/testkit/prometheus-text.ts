/**
 * A strict reader of Prometheus' text format (exposition_formats.md, version 0.0.4), to hold our own writing against:
 * whatever the specification does not allow is an error, also what Prometheus itself would let pass.
 */
export interface PrometheusSample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

export interface PrometheusFamily {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly samples: readonly PrometheusSample[]
}

interface OpenFamily extends PrometheusFamily {
  type: string
  readonly samples: PrometheusSample[]
  readonly keys: Set<string>
}

/** @throws Error that names the line */
export function readPrometheusText(text: string): ReadonlyMap<string, PrometheusFamily> {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no end')
  const families = new Map<string, OpenFamily>()
  let current: OpenFamily | undefined
  for (const line of text.split('\n').slice(0, -1)) {
    const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line)
    if (help === null) readLine(line, current)
    else {
      const [, name = '', words = ''] = help
      if (families.has(name)) throw new Error(`${name} comes twice`)
      current = { name, help: words, type: '', samples: [], keys: new Set() }
      families.set(name, current)
    }
  }
  for (const family of families.values()) checkFamily(family)
  return families
}

/** A TYPE or a sample of the family that was begun. */
function readLine(line: string, family: OpenFamily | undefined): void {
  const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/.exec(line)
  if (type !== null) {
    const [, name, kind = ''] = type
    if (family === undefined || family.name !== name || family.type !== '') {
      throw new Error(`a TYPE that stands alone: ${line}`)
    }
    family.type = kind
    return
  }
  const sample = readSample(line)
  if (family === undefined || family.type === '' || !belongs(sample.name, family)) {
    throw new Error(`a sample without its family: ${line}`)
  }
  const key = keyOf(sample)
  if (family.keys.has(key)) throw new Error(`twice: ${line}`)
  family.keys.add(key)
  family.samples.push(sample)
}

function keyOf({ name, labels }: PrometheusSample): string {
  return JSON.stringify([name, ...[...labels].toSorted(([a], [b]) => (a < b ? -1 : 1))])
}

function belongs(name: string, family: PrometheusFamily): boolean {
  if (family.type !== 'histogram') return name === family.name
  return ['_bucket', '_sum', '_count'].some((suffix) => name === family.name + suffix)
}

function readSample(line: string): PrometheusSample {
  const head = /^([a-zA-Z_:][a-zA-Z0-9_:]*)/.exec(line)?.[1]
  if (head === undefined) throw new Error(`no sample: ${line}`)
  const labels = new Map<string, string>()
  let at = head.length
  if (line[at] === '{') {
    at += 1
    for (;;) {
      const found = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\n"])*)"/.exec(line.slice(at))
      if (found === null) throw new Error(`bad labels: ${line}`)
      const [whole, name = '', value = ''] = found
      if (labels.has(name)) throw new Error(`the label ${name} comes twice: ${line}`)
      labels.set(
        name,
        value.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c)),
      )
      at += whole.length
      if (line[at] === '}') break
      if (line[at] !== ',') throw new Error(`bad labels: ${line}`)
      at += 1
    }
    at += 1
  }
  const number = /^ ([+-]Inf|NaN|[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(line.slice(at))?.[1]
  if (number === undefined) throw new Error(`no number: ${line}`)
  return { name: head, labels, value: Number(number.replace('Inf', 'Infinity')) }
}

function checkFamily({ name, type, samples }: PrometheusFamily): void {
  if (type === '') throw new Error(`${name} has no type`)
  if (samples.length === 0) throw new Error(`${name} has no samples`)
  if (type === 'counter') {
    if (!name.endsWith('_total')) throw new Error(`the counter ${name} does not end in _total`)
    if (samples.some(({ value }) => !(value >= 0))) throw new Error(`${name} counts below 0`)
  } else if (name.endsWith('_total')) throw new Error(`${name} is no counter`)
  if (type === 'histogram') checkHistogram(name, samples)
}

/** Buckets ascend and never count less than the one before; the last one is +Inf and counts all. */
function checkHistogram(name: string, samples: readonly PrometheusSample[]): void {
  const groups = Map.groupBy(samples, ({ labels }) =>
    JSON.stringify([...labels].filter(([label]) => label !== 'le')),
  )
  for (const group of groups.values()) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`)
    const count = group.find((sample) => sample.name === `${name}_count`)?.value
    const sums = group.filter((sample) => sample.name === `${name}_sum`)
    const bounds = buckets.map(({ labels }) => Number(labels.get('le')?.replace('Inf', 'Infinity')))
    const ascends = bounds.every((bound, index) => index === 0 || bound > (bounds[index - 1] ?? 0))
    const grows = buckets.every(
      ({ value }, index) => index === 0 || value >= (buckets[index - 1]?.value ?? 0),
    )
    const whole = bounds.at(-1) === Infinity && buckets.at(-1)?.value === count
    if (!ascends || !grows || !whole || sums.length !== 1) {
      throw new Error(`${name} is no histogram`)
    }
  }
}
