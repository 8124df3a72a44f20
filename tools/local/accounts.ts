import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Home } from './home.ts'

/** A person to try things out as. */
export interface Account {
  readonly role: string
  readonly email: string
  readonly password: string
}

/** The demo accounts of a home; none before it was seeded. */
export function readAccounts(home: Home): Account[] {
  try {
    const accounts: Account[] = JSON.parse(readFileSync(accountsFile(home), 'utf8'))
    return accounts
  } catch {
    return []
  }
}

/** Keeps the accounts in a file that only its owner may read. */
export function writeAccounts(home: Home, accounts: readonly Account[]): void {
  writeFileSync(accountsFile(home), `${JSON.stringify(accounts, null, 2)}\n`, { mode: 0o600 })
}

function accountsFile(home: Home): string {
  return join(home.path, 'accounts.json')
}
