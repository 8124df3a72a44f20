import { type Static, Type } from 'typebox'

// Field types of events. Their names say their units: services.md §1 is the rule behind them.

/** UTC, ISO 8601 with milliseconds. */
export const At = Type.String({
  format: 'date-time',
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}\\.\\d{3}Z$',
  maxLength: 24,
})

/** Plain text. */
export const Text = Type.String({ maxLength: 200 })

/** A number of things, from 0. */
export const Count = Type.Integer({ minimum: 0, maximum: 1_000_000_000 })

/** A number of things that are ordered or moved, from 1. */
export const Quantity = Type.Integer({ minimum: 1, maximum: 1_000_000 })

/** Seconds. */
export const Seconds = Type.Integer({ minimum: 0, maximum: 100_000_000 })

/** Position of a line in its order, from 1. */
export const LineNo = Type.Integer({ minimum: 1, maximum: 200 })

/** Who caused a change. */
export const By = Type.Object({
  type: Type.Union([Type.Literal('user'), Type.Literal('service'), Type.Literal('timer')]),
  id: Text,
})
export type By = Static<typeof By>

/** ISO 3166-1 alpha-2 country code. */
export const Zone = Type.String({ pattern: '^[A-Z]{2}$', maxLength: 2 })

/** BCP 47 language tag, e.g. `en` or `de-AT`. */
export const Locale = Type.String({ pattern: '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$', maxLength: 35 })
