import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cleanup } from '../testing/cleanup.ts'
import type { Certificate } from './tls.ts'

/** A certificate that signs itself, and where its files lie until the test ends. */
export interface TestCertificate extends Certificate {
  readonly certFile: string
  readonly keyFile: string
}

/** Why a test that needs a certificate cannot run here, or false: Node itself makes none. */
export const withoutOpenssl =
  spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed'

/** Makes a certificate for `name`, e.g. `IP:127.0.0.1` or `DNS:campus.example`. */
export function makeCertificate(t: Cleanup, name: string): TestCertificate {
  const folder = mkdtempSync(join(tmpdir(), 'campus-tls-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const subject = ['-subj', '/CN=campus', '-addext', `subjectAltName=${name}`, '-days', '2']
  const files = ['-keyout', keyFile, '-out', certFile]
  const { status, stderr } = spawnSync('openssl', ['req', '-x509', ...curve, ...subject, ...files])
  if (status !== 0) throw new Error(`openssl made no certificate: ${String(stderr)}`)
  const [cert, key] = [readFileSync(certFile, 'utf8'), readFileSync(keyFile, 'utf8')]
  return { cert, key, certFile, keyFile }
}
