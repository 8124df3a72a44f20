import { test } from 'tap'
import { createVault, hashOf, newSecretToken } from './vault.ts'

const vault = createVault('only-for-tests-key-encryption')

test('what is sealed is read by the same secret only', async t => {
  const sealed = vault.seal('the key ä')
  t.equal(createVault('only-for-tests-key-encryption').open(sealed), 'the key ä')
  t.throws(() => createVault('another-secret-of-16').open(sealed))
  t.not(vault.seal('the key ä'), sealed)
})

test('a sealed text that was changed anywhere is not read', async t => {
  const bytes = Buffer.from(vault.seal('text'), 'base64url')
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 1
    t.throws(() => vault.open(changed.toString('base64url')), `byte ${at}`)
  }
  t.throws(() => vault.open(''))
})

test('a refresh token is the same for the same id and secret, and for no other', async t => {
  const token = vault.refreshToken('one')
  t.equal(vault.refreshToken('one'), token)
  t.not(vault.refreshToken('two'), token)
  t.not(createVault('another-secret-of-16').refreshToken('one'), token)
  t.match(token, /^[\w-]{43}$/)
})

test('tokens are 256 random bits of which a hash is stored', async t => {
  const tokens = new Set(Array.from({ length: 1_000 }, newSecretToken))
  t.equal(tokens.size, 1_000)
  for (const token of tokens) t.match(token, /^[\w-]{43}$/)
  t.equal(hashOf('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})
