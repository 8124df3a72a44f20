import type { PoolClient } from 'pg'

// A statement that is sent under a name is parsed and planned once a connection instead of each time,
// which is most of what Postgres does for a small statement. Drizzle makes the same text again and again
// without a name, so the name is given here, to texts that have come often enough to be worth it.

/** Executions in this process from which on a text is named. */
const namedFrom = 3
/** Texts that are named at most: each costs memory in each connection. */
const namesMax = 300
/** Texts that are counted at most: a search may make a new one for each request. */
const countedMax = 5_000

/** Names for the statements of one pool. */
export interface StatementNames {
  /** @returns undefined for a text that is not worth a name (yet) */
  nameOf(text: string): string | undefined
}

export function createStatementNames(): StatementNames {
  const names = new Map<string, string>()
  const counts = new Map<string, number>()

  return {
    nameOf(text) {
      const known = names.get(text)
      if (known !== undefined || names.size >= namesMax) return known
      const count = (counts.get(text) ?? 0) + 1
      if (count < namedFrom) {
        if (counts.size >= countedMax) counts.clear()
        counts.set(text, count)
        return undefined
      }
      counts.delete(text)
      const name = `campus_${names.size + 1}`
      names.set(text, name)
      return name
    },
  }
}

/** Sends the statements of `client` under their names. */
export function nameStatements(client: PoolClient, names: StatementNames): void {
  const query: unknown = Reflect.get(client, 'query')
  if (typeof query !== 'function') return
  function named(config: unknown, ...rest: unknown[]): unknown {
    return Reflect.apply(Object(query), client, [withName(config, names), ...rest])
  }
  Object.assign(client, { query: named })
}

function withName(config: unknown, names: StatementNames): unknown {
  // Texts alone are `begin`, `commit` and the like.
  if (typeof config !== 'object' || config === null || !('text' in config)) return config
  if (typeof config.text !== 'string' || ('name' in config && config.name !== undefined)) {
    return config
  }
  // A query that brings its own protocol, e.g. a cursor or a copy.
  if ('submit' in config) return config
  const name = names.nameOf(config.text)
  return name === undefined ? config : { ...config, name }
}
