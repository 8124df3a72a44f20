import { inflateRawSync } from 'node:zlib'

/** Signature of the end-of-central-directory record. */
const endOfDirectory = Buffer.from('PK\x05\x06', 'latin1')

/**
 * One file out of a zip archive (a Python wheel, a Java archive).
 *
 * Reads the central directory and the two compressions that such archives use, stored and deflated; no
 * zip64, no encryption.
 *
 * @throws Error when no entry's name matches
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT sections 4.3.7, 4.3.12 and 4.3.16
 */
export function readZipEntry(archive: Buffer, name: RegExp): Buffer {
  const end = archive.lastIndexOf(endOfDirectory)
  if (end === -1) throw new Error('This is not a zip archive.')
  let entry = archive.readUInt32LE(end + 16)
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    const nameLength = archive.readUInt16LE(entry + 28)
    if (name.test(archive.toString('utf8', entry + 46, entry + 46 + nameLength))) {
      const local = archive.readUInt32LE(entry + 42)
      // The local header repeats name and extra field, with lengths of their own.
      const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
      const content = archive.subarray(start, start + archive.readUInt32LE(entry + 20))
      return archive.readUInt16LE(entry + 10) === 0 ? content : inflateRawSync(content)
    }
    entry += 46 + nameLength + archive.readUInt16LE(entry + 30) + archive.readUInt16LE(entry + 32)
  }
  throw new Error(`The archive has no file that matches ${name}.`)
}
