import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export type { Counter, Gauge, Histogram } from 'prom-client'

/**
 * The metrics of one process.
 *
 * Asking twice for one name answers the same metric, so that two parts may share it. Labels have a
 * fixed small set of values: route templates, names of jobs and consumers, never an id.
 */
export interface Metrics {
  readonly registry: Registry
  counter<L extends string>(name: string, help: string, labels?: readonly L[]): Counter<L>
  gauge<L extends string>(
    name: string,
    help: string,
    labels?: readonly L[],
    /** Called at each scrape; sets the gauge to what holds then. */
    collect?: (gauge: Gauge<L>) => void | Promise<void>,
  ): Gauge<L>
  histogram<L extends string>(
    name: string,
    help: string,
    labels?: readonly L[],
    buckets?: readonly number[],
  ): Histogram<L>
  /** The exposition text that Prometheus scrapes. */
  render(): Promise<string>
}

/** Seconds: from a cached read to the longest answer that a server gives. */
const secondsBuckets = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Metrics with the default ones of the process (CPU, memory, event loop), labelled by service. */
export function createMetrics(options: { readonly service: string }): Metrics {
  const registry = new Registry()
  registry.setDefaultLabels({ service: options.service })
  collectDefaultMetrics({ register: registry })

  const known = new Map<string, unknown>()
  function once<M>(name: string, kind: new (...args: never[]) => M, create: () => M): M {
    const found = known.get(name)
    if (found === undefined) {
      const metric = create()
      known.set(name, metric)
      return metric
    }
    if (!(found instanceof kind)) throw new TypeError(`${name} is another kind of metric.`)
    return found
  }

  return {
    registry,
    counter<L extends string>(name: string, help: string, labels: readonly L[] = []) {
      return once<Counter<L>>(name, Counter<L>, () => new Counter(settings(name, help, labels)))
    },
    gauge<L extends string>(
      name: string,
      help: string,
      labels: readonly L[] = [],
      collect?: (gauge: Gauge<L>) => void | Promise<void>,
    ) {
      return once<Gauge<L>>(name, Gauge<L>, () => {
        return new Gauge({
          ...settings(name, help, labels),
          ...(collect !== undefined && {
            async collect() {
              await collect(this)
            },
          }),
        })
      })
    },
    histogram<L extends string>(
      name: string,
      help: string,
      labels: readonly L[] = [],
      buckets: readonly number[] = secondsBuckets,
    ) {
      return once<Histogram<L>>(name, Histogram<L>, () => {
        return new Histogram({ ...settings(name, help, labels), buckets: [...buckets] })
      })
    },
    async render() {
      return registry.metrics()
    },
  }

  function settings<L extends string>(name: string, help: string, labels: readonly L[]) {
    return { name, help, labelNames: [...labels], registers: [registry] }
  }
}
