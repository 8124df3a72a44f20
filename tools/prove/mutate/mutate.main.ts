// Breaks one mechanism at a time in a copy of the repository and runs the tests that should notice.
// `npm run test:mutations [-- part of a name]`; ends with 1 when a broken mechanism stays unnoticed.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../../local/services.ts'
import { startInfra } from '../../repo/infra.ts'
import { type Mutation, mutations } from './mutations.ts'

const wanted = process.argv[2] ?? ''
const copy = mkdtempSync(join(tmpdir(), 'campus-mutants-'))
const say = (line: string) => process.stdout.write(`${line}\n`)

/** Everything that is in the repository, with the installed packages beside it. */
function copyRepository(): void {
  const { stdout } = spawnSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
  for (const file of stdout.split('\n').filter(Boolean)) {
    cpSync(join(root, file), join(copy, file), { recursive: true })
  }
  // Not a link of the whole folder: the workspaces in it must lead to the copy.
  const { stdout: list } = spawnSync('ls', ['-A', join(root, 'node_modules')], { encoding: 'utf8' })
  spawnSync('mkdir', ['-p', join(copy, 'node_modules')])
  for (const name of list.split('\n').filter(Boolean)) {
    const from = join(root, 'node_modules', name)
    if (name === '@campus') cpSync(from, join(copy, 'node_modules', name), { recursive: true })
    else symlinkSync(from, join(copy, 'node_modules', name))
  }
}

/** @returns the files that failed */
async function run(
  tests: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string[]> {
  const failed: string[] = []
  for (const test of tests) {
    const child = spawn(process.execPath, ['--import', './tools/fast-imports.ts', test], {
      cwd: copy,
      env: { ...process.env, ...env },
      stdio: 'ignore',
    })
    const [code] = await once(child, 'exit')
    if (code !== 0) failed.push(test)
  }
  return failed
}

async function isNoticed(
  { name, file, find, replace, tests }: Mutation,
  env: Readonly<Record<string, string>>,
): Promise<boolean> {
  const path = join(copy, file)
  const text = readFileSync(path, 'utf8')
  if (text.split(find).length !== 2) throw new Error(`"${name}" does not fit ${file} any more.`)
  writeFileSync(
    path,
    text.replace(find, () => replace),
  )
  const startedAt = performance.now()
  const failed = await run(tests, env)
  writeFileSync(path, text)
  const seconds = Math.round((performance.now() - startedAt) / 1_000)
  const by = failed.length > 0 ? `noticed by ${failed.join(', ')}` : 'NOT NOTICED'
  say(`${name}: ${by} (${seconds} s)`)
  return failed.length > 0
}

const infra = await startInfra()
try {
  copyRepository()
  const chosen = mutations.filter(({ name }) => name.includes(wanted))
  const tests = [...new Set(chosen.flatMap(mutation => mutation.tests))]
  const red = await run(tests, infra.env)
  if (red.length > 0) throw new Error(`These fail without any mutation: ${red.join(', ')}`)
  say(`${tests.length} test files pass as they are; ${chosen.length} mutations follow.`)
  let missed = 0
  for (const mutation of chosen) if (!(await isNoticed(mutation, infra.env))) missed += 1
  say(`${chosen.length - missed} noticed, ${missed} not`)
  process.exitCode = missed === 0 ? 0 : 1
} finally {
  await infra.stop()
  rmSync(copy, { recursive: true, force: true })
}
