import { type Bus, type Consumer, createBus } from './bus.ts'
import { type Catalog, createCatalog } from './catalog.ts'
import { createCourses, type Enrolling } from './courses.ts'
import type { Database } from './database.ts'
import { createEffectWorker, type EffectWorker } from './effects.ts'
import { createOrders, type Orders } from './orders.ts'
import { createPayments, type Payments } from './payments.ts'
import { counted, createPeople, type People } from './people.ts'
import { createProvider, type Provider } from './provider.ts'
import type { World } from './world.ts'

/** Everything that a world consists of. */
export interface SimMesh {
  readonly bus: Bus
  readonly catalog: Catalog
  readonly orders: Orders
  readonly payments: Payments
  readonly provider: Provider
  readonly worker: EffectWorker
  readonly people: People
  readonly databases: readonly Database[]
  readonly consumers: readonly Consumer[]
}

/** Starts all services of a world, with little stock, so that it runs out. */
export function startSimMesh(world: World, enrolling: Enrolling): SimMesh {
  const { random } = world
  const catalog = createCatalog(world, new Map(counted.map(id => [id, 1 + random.below(9)])))
  const orders = createOrders(world)
  const payments = createPayments(world)
  const courses = createCourses(world, enrolling)
  const provider = createProvider(world)
  const parts = [catalog, orders, payments, courses]
  return {
    bus: createBus(world),
    catalog,
    orders,
    payments,
    provider,
    worker: createEffectWorker(world, payments, provider),
    people: createPeople(world, {
      catalog,
      orders,
      payments,
      answerChallenge: (intentId, isPassed) => provider.answerChallenge(intentId, isPassed),
    }),
    databases: parts.map(({ db }) => db),
    consumers: parts.map(({ consumer }) => consumer),
  }
}
