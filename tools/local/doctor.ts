import { cacheFolder } from './home.ts'
import { holdExactPort } from './ports.ts'
import { type Check, preflight } from './preflight.ts'
import { adminPortOffset, knownServices } from './services.ts'

/** Says whether `campus up` would work here, and how to cure what is missing. */
export async function doctor(): Promise<void> {
  const checks = [...(await preflight(process.env)), ...(await portChecks())]
  for (const { name, isOk, text } of checks) {
    process.stdout.write(`${isOk ? 'ok    ' : 'CURE  '} ${name.padEnd(10)} ${text}\n`)
  }
  process.stdout.write(`ok     cache      ${cacheFolder()}\n`)
  process.exitCode = checks.every(({ isOk }) => isOk) ? 0 : 1
}

/** A port that is taken is no failure: `up` takes another one and says which. */
async function portChecks(): Promise<Check[]> {
  const ports = knownServices().flatMap(({ name, preferredPort }) => [
    { name, port: preferredPort },
    { name, port: preferredPort + adminPortOffset },
  ])
  const checks = await Promise.all(
    ports.map(async ({ name, port }) => {
      const held = await holdExactPort(port)
      await held?.release()
      return held === undefined ? [{ name, isOk: true, text: `port ${port} is in use` }] : []
    }),
  )
  return checks.flat()
}
