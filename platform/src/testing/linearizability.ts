// Whether what clients saw of an object that they share could also have happened one operation after the
// other, each at some moment between its call and its answer. The search chooses an operation that may
// come next, tries it on the model and goes on; it takes the choice back when there is no way on, and never
// looks twice at the same pair of operations that are done and state (Wing and Gong 1993; Lowe 2017).
//
// Whoever watches several independent objects checks each by itself: a history is linearizable when its
// parts are (Herlihy and Wing 1990). That keeps the search short.

/** One call as its caller saw it. */
export interface Operation<Input, Output> {
  readonly input: Input
  /** undefined: the connection broke, so it took effect at some moment after its call, or never. */
  readonly output: Output | undefined
  /** Any clock that all clients share. */
  readonly calledAt: number
  /** Without a meaning when there is no output. */
  readonly answeredAt: number
}

/** The object as it would be with one client. */
export interface SequentialModel<State, Input, Output> {
  readonly initial: State
  /**
   * The state after an operation; undefined when it cannot be answered like this.
   *
   * @param output undefined accepts any answer
   */
  apply(state: State, input: Input, output: Output | undefined): State | undefined
  /** Equal texts are equal states. */
  keyOf(state: State): string
  /**
   * The part of the state that operations of other clients can see or change; all of it by default. An
   * operation that leaves it alone is taken as soon as it fits: nobody else could tell a later moment.
   */
  sharedKeyOf?(state: State): string
}

/** More pairs than this are not looked at: the history was too concurrent to be decided. */
const looksMax = 2_000_000

/**
 * Whether `history` is linearizable.
 *
 * @throws RangeError when the search would take too long
 */
export function isLinearizable<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  history: readonly Operation<Input, Output>[],
): boolean {
  // By the time of the answer: the likely order comes first, and what may never have happened last.
  const operations = history.toSorted((a, b) => endOf(a) - endOf(b))
  const answered = operations.filter(({ output }) => output !== undefined).length
  const isDone = operations.map(() => false)
  const seen = new Set<string>()
  const sharedKeyOf = (state: State) => model.sharedKeyOf?.(state) ?? model.keyOf(state)

  function search(state: State, answeredDone: number): boolean {
    if (answeredDone === answered) return true
    const key = `${isDone.map(Number).join('')} ${model.keyOf(state)}`
    if (seen.has(key)) return false
    if (seen.size >= looksMax) throw new RangeError('The history is too concurrent.')
    seen.add(key)
    const firstAnswer = operations.find((_, i) => isDone[i] !== true)
    const until = firstAnswer === undefined ? Number.POSITIVE_INFINITY : endOf(firstAnswer)
    // Whatever was called after another one had been answered comes after it.
    const choices = operations.flatMap(({ input, output, calledAt }, i) => {
      if (isDone[i] === true || calledAt > until) return []
      const next = model.apply(state, input, output)
      return next === undefined ? [] : [{ i, next, isAnswered: output !== undefined }]
    })
    const shared = sharedKeyOf(state)
    const silent = choices.find(
      ({ next, isAnswered }) => isAnswered && sharedKeyOf(next) === shared,
    )
    for (const { i, next, isAnswered } of silent === undefined ? choices : [silent]) {
      isDone[i] = true
      if (search(next, answeredDone + (isAnswered ? 1 : 0))) return true
      isDone[i] = false
    }
    return false
  }

  return search(model.initial, 0)
}

function endOf({ output, answeredAt }: Operation<unknown, unknown>): number {
  return output === undefined ? Number.POSITIVE_INFINITY : answeredAt
}
