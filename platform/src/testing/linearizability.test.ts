import { test } from 'tap'
import { isLinearizable, type Operation, type SequentialModel } from './linearizability.ts'

type Input = 'read' | number
type Call = Operation<Input, number>

/** A register: a number writes it and is answered by itself. */
const register: SequentialModel<number, Input, number> = {
  initial: 0,
  apply(state, input, output) {
    const next = input === 'read' ? state : input
    return output === undefined || output === next ? next : undefined
  },
  keyOf: String,
}

function call(calledAt: number, answeredAt: number, input: Input, output?: number): Call {
  return { input, output, calledAt, answeredAt }
}

const histories: readonly {
  readonly guarantee: string
  readonly given: readonly Call[]
  readonly expected: boolean
}[] = [
  { guarantee: 'nothing is linearizable', given: [], expected: true },
  {
    guarantee: 'one call after the other follows the model',
    given: [call(1, 2, 7, 7), call(3, 4, 'read', 7)],
    expected: true,
  },
  {
    guarantee: 'a stale read after a write was answered is refused',
    given: [call(1, 2, 7, 7), call(3, 4, 'read', 0)],
    expected: false,
  },
  {
    guarantee: 'calls at the same time may have come in either order',
    given: [call(1, 9, 7, 7), call(2, 3, 'read', 0), call(4, 5, 'read', 7)],
    expected: true,
  },
  {
    guarantee: 'two readers that see two writes in different orders are refused',
    given: [
      call(1, 20, 1, 1),
      call(1, 20, 2, 2),
      call(2, 3, 'read', 1),
      call(4, 5, 'read', 2),
      call(6, 7, 'read', 1),
    ],
    expected: false,
  },
  {
    guarantee: 'a write without an answer may have taken effect',
    given: [call(1, 2, 7), call(5, 6, 'read', 7)],
    expected: true,
  },
  {
    guarantee: 'a write without an answer may have had no effect, or a late one',
    given: [call(1, 2, 7), call(5, 6, 'read', 0), call(7, 8, 'read', 7)],
    expected: true,
  },
  {
    guarantee: 'a write without an answer takes effect once, and never before its call',
    given: [call(5, 6, 7), call(1, 2, 'read', 7)],
    expected: false,
  },
  {
    guarantee: 'what a lost write has changed is not taken back',
    given: [call(1, 2, 7), call(3, 4, 'read', 7), call(5, 6, 'read', 0)],
    expected: false,
  },
]

for (const { guarantee, given, expected } of histories) {
  test(guarantee, async t => t.equal(isLinearizable(register, given), expected))
}

test('a long history of many clients is decided at once', async t => {
  const writes = Array.from({ length: 400 }, (_, i) => call(i, i + 20, i + 1, i + 1))
  t.ok(isLinearizable(register, [...writes, call(500, 501, 'read', 400)]))
  t.notOk(isLinearizable(register, [...writes.slice(-12), call(500, 501, 'read', 1)]))
})
