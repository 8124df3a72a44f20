import { createHmac, timingSafeEqual } from 'node:crypto'
import { type Static, type TSchema, Type } from 'typebox'
import { Check } from 'typebox/value'
import { AppError, chassis } from '../errors.ts'
import { canonicalJson } from './canonical.ts'

// A cursor is the position of the last row of a page, in the columns of the sort, so that the next
// page starts there by an index and row 1,000,000 costs what row 1 does. It is authenticated together
// with the list it belongs to: for another sort, filter or user it is no cursor at all.

const limitDefault = 25

/** Query parameters of every list; compose: `Type.Object({ ...PageQuery.properties, … })`. */
export const PageQuery = Type.Object({
  limit: Type.Optional(
    Type.String({ pattern: '^([1-9][0-9]?|100)$', description: 'Rows of a page, 1 to 100; 25' }),
  ),
  cursor: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9_-]{1,1024}$',
      description: '`page.next` of the page before',
    }),
  ),
})
export type PageQuery = Static<typeof PageQuery>

/** The answer of a list whose rows are `item`. */
export function Page<T extends TSchema>(item: T) {
  return Type.Object({
    data: Type.Array(item),
    page: Type.Object({
      next: Type.Union([Type.String(), Type.Null()], { description: 'Null on the last page' }),
      limit: Type.Integer({ minimum: 1, maximum: 100 }),
    }),
  })
}

/** Rows of a page, 1 to 100. */
export function pageLimit({ limit }: PageQuery): number {
  return limit === undefined ? limitDefault : Number(limit)
}

/** The list that a cursor belongs to. */
export interface CursorScope {
  /** `CURSOR_SECRET`. */
  readonly secret: string
  /** Name of list and sort, unique in its service, e.g. `orders.newest`. */
  readonly sort: string
  /** Everything that narrows the list; its order of members does not matter. */
  readonly filter?: unknown
  /** Whose list it is; absent for public lists. */
  readonly userId?: string | undefined
}

const macBytes = 16

/** Makes a cursor of the sort columns of the last row. */
export function encodeCursor(position: readonly unknown[], scope: CursorScope): string {
  const text = JSON.stringify(position)
  return Buffer.concat([macOf(text, scope), Buffer.from(text)]).toString('base64url')
}

/**
 * Reads the position that `encodeCursor` wrote.
 *
 * @throws AppError `request.cursor_invalid` for anything that was not made for this scope
 */
export function decodeCursor<T extends TSchema>(
  cursor: string,
  scope: CursorScope,
  position: T,
): Static<T> {
  const bytes = Buffer.from(cursor, 'base64url')
  const text = bytes.subarray(macBytes).toString()
  const mac = bytes.subarray(0, macBytes)
  if (mac.length === macBytes && timingSafeEqual(mac, macOf(text, scope))) {
    const value: unknown = JSON.parse(text)
    if (Check(position, value)) return value
  }
  throw new AppError([chassis.cursorInvalid()])
}

function macOf(text: string, { secret, sort, filter, userId }: CursorScope): Buffer {
  return createHmac('sha256', secret)
    .update(canonicalJson({ sort, filter, userId, text }))
    .digest()
    .subarray(0, macBytes)
}

/**
 * Makes a page of rows that were read with `limit + 1`: the extra row only tells that there is more.
 *
 * @param position the sort columns of a row, as `decodeCursor` will give them back
 */
export function toPage<Row, View>(
  rows: readonly Row[],
  options: {
    readonly limit: number
    readonly scope: CursorScope
    readonly position: (row: Row) => readonly unknown[]
    readonly view: (row: Row) => View
  },
): { data: View[]; page: { next: string | null; limit: number } } {
  const { limit, scope } = options
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const more = rows.length > limit ? last : undefined
  return {
    data: shown.map(options.view),
    page: { next: more === undefined ? null : encodeCursor(options.position(more), scope), limit },
  }
}
