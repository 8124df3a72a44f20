import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cacheFolder } from './home.ts'
import { isAlive } from './pid.ts'

/** How often a launcher looks whether the one that downloads has finished. */
const lockPollMs = 100

/**
 * The cached folder `name`, filled by `fill` when it is not there yet.
 *
 * The folder appears under its name in one step, when it is complete: a download that was interrupted
 * leaves nothing that looks finished. A lock file keeps two launchers that start together from
 * downloading the same thing twice; a lock whose owner has died is taken over.
 *
 * @param name holds the version, so that an update fills another folder
 * @param signal ends the wait for another launcher
 */
export async function cached(
  name: string,
  signal: AbortSignal,
  fill: (folder: string) => Promise<void>,
): Promise<string> {
  const root = cacheFolder()
  const folder = join(root, name)
  if (existsSync(folder)) return folder
  mkdirSync(root, { recursive: true })

  const release = await lock(`${folder}.lock`, signal)
  try {
    // Another launcher may have filled it while this one waited.
    if (existsSync(folder)) return folder
    const unfinished = `${folder}.unfinished`
    rmSync(unfinished, { recursive: true, force: true })
    mkdirSync(unfinished)
    await fill(unfinished)
    renameSync(unfinished, folder)
    return folder
  } finally {
    release()
  }
}

async function lock(file: string, signal: AbortSignal): Promise<() => void> {
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' })
      return () => rmSync(file, { force: true })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
    if (!isAlive(ownerOf(file))) rmSync(file, { force: true })
    else await sleep(lockPollMs, undefined, { signal })
  }
}

function ownerOf(file: string): number {
  try {
    const text = readFileSync(file, 'utf8')
    // Empty for a moment, between its creation and its first write: somebody is there.
    return text === '' ? process.pid : Number(text)
  } catch {
    return process.pid
  }
}
