import { closed, dataSchemaOf, type EventKind } from '@campus/contracts/envelope'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'

/** A payload that breaks its contract. In a producer it is a bug, in a consumer it is parked. */
export class ContractViolation extends Error {
  override readonly name = 'ContractViolation'
}

interface Compiled {
  check(data: unknown): void
}

const closedSchemas = new WeakMap<TSchema, Compiled>()
const openSchemas = new WeakMap<TSchema, Compiled>()
const dataSchemas = new WeakMap<TSchema, string>()

/** Producers validate closed: an unknown field is a mistake of ours. @throws ContractViolation */
export function checkProduced({ type, schema }: EventKind, data: unknown): void {
  compiled(closedSchemas, schema, type, closed).check(data)
}

/** Consumers read open: a newer producer may add optional fields. @throws ContractViolation */
export function checkConsumed({ type, schema }: EventKind, data: unknown): void {
  compiled(openSchemas, schema, type, whole => whole).check(data)
}

/** The `ce_dataschema` of a kind, computed once. */
export function dataSchema(kind: EventKind): string {
  const known = dataSchemas.get(kind.schema)
  if (known !== undefined) return known
  const made = dataSchemaOf(kind)
  dataSchemas.set(kind.schema, made)
  return made
}

function compiled(
  cache: WeakMap<TSchema, Compiled>,
  schema: TSchema,
  type: string,
  prepare: (schema: TSchema) => TSchema,
): Compiled {
  const known = cache.get(schema)
  if (known !== undefined) return known
  const validator = Compile(prepare(schema))
  const made: Compiled = {
    check(data) {
      if (validator.Check(data)) return
      const [first] = validator.Errors(data)
      throw new ContractViolation(
        `${type}: ${first?.instancePath ?? ''} ${first?.message ?? 'is invalid'}`,
      )
    },
  }
  cache.set(schema, made)
  return made
}
