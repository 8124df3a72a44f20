import { test } from 'tap'
import { runSeed } from './run.ts'
import { type Sabotage, sabotages } from './world.ts'

test('no rule is broken in 1,000 simulated worlds, and orders end in every way', async t => {
  const ends = new Set<string>()
  const met = new Set<string>()
  for (let seed = 1; seed <= 1_000; seed += 1) {
    const run = runSeed(seed)
    t.equal(run.violation, undefined, `campus sim --seed ${seed}`)
    for (const end of run.ends) ends.add(end)
    for (const rule of run.met) met.add(rule)
  }
  t.ok(ends.has('completed') && ends.has('cancelled'))
  t.ok(met.size > 30, 'most rules of the saga had an effect')
})

test('a seed lives the same life each time, step by step', async t => {
  for (const seed of [1, 7, 42]) t.same(runSeed(seed), runSeed(seed))
  t.notSame(runSeed(1).steps, runSeed(2).steps)
})

test('every rule that is broken on purpose is noticed', async t => {
  for (const sabotage of sabotages) t.ok(firstFailure(sabotage), sabotage)
})

/** A seed that fails; decisions absorb most of what a missing inbox lets through, so it may take many. */
function firstFailure(sabotage: Sabotage): number | undefined {
  for (let seed = 1; seed <= 5_000; seed += 1) {
    if (runSeed(seed, sabotage).violation !== undefined) return seed
  }
  return undefined
}
