/**
 * Makes work of single items work of many: what is asked for while a turn is in work waits, and is done
 * together in the next one. Nobody waits for company: the first item of a quiet time is a turn of its own.
 *
 * When a turn of several fails, each of them is a turn by itself, so that one cannot fail for another.
 *
 * @param max items of a turn
 * @returns resolves once the item is done, rejects with its own failure
 */
export function inTurns<Item>(
  work: (items: readonly Item[]) => Promise<void>,
  max = 50,
): (item: Item) => Promise<void> {
  interface Asked {
    readonly item: Item
    readonly done: PromiseWithResolvers<void>
  }
  const waiting: Asked[] = []
  let isWorking = false

  async function workThrough(): Promise<void> {
    isWorking = true
    while (waiting.length > 0) await takeTurn(waiting.splice(0, max))
    isWorking = false
  }

  async function takeTurn(turn: readonly Asked[]): Promise<void> {
    try {
      await work(turn.map(({ item }) => item))
      for (const { done } of turn) done.resolve()
    } catch (error) {
      if (turn.length === 1) for (const { done } of turn) done.reject(error)
      else for (const one of turn) await takeTurn([one])
    }
  }

  return item => {
    const done = Promise.withResolvers<void>()
    waiting.push({ item, done })
    if (!isWorking) void workThrough()
    return done.promise
  }
}
