import type { Postgres } from '@campus/platform/data/postgres'
import { decodeCursor, Page, PageQuery, pageLimit, toPage } from '@campus/platform/http/pagination'
import { problems } from '@campus/platform/http/problem'
import type { App } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { accountBalances, trialBalance } from './ledger.store.ts'

interface Deps {
  readonly postgres: Postgres
  readonly cursorSecret: string
}

const tags = ['ledger']
const admin = { access: { roles: ['admin'] } } as const
const Position = Type.Tuple([Type.String(), Type.String()])
const Minor = Type.Integer({ description: 'Minor units of `currency`' })
const AccountBalance = Type.Object({
  account: Type.String(),
  currency: Type.String(),
  balance: Type.Integer({ description: 'Minor units; debits are positive, credits negative' }),
})
const TrialBalance = Type.Object({
  isBalanced: Type.Boolean({ description: 'Whether every currency sums to 0' }),
  currencies: Type.Array(
    Type.Object({ currency: Type.String(), debit: Minor, credit: Minor, difference: Minor }),
  ),
  accounts: Type.Array(
    Type.Object({ account: Type.String(), currency: Type.String(), debit: Minor, credit: Minor }),
  ),
})

/** The books. */
export function ledgerRoutes({ postgres, cursorSecret }: Deps) {
  return async (app: App): Promise<void> => {
    app.get(
      '/v1/ledger/trial-balance',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Debits and credits of all accounts, which must be equal',
          response: { 200: TrialBalance, ...problems(401, 403) },
        },
      },
      async () => {
        const accounts = await postgres.read(trialBalance)
        const currencies = [...new Set(accounts.map(({ currency }) => currency))].map(currency => {
          const own = accounts.filter(account => account.currency === currency)
          const debit = own.reduce((sum, account) => sum + account.debit, 0)
          const credit = own.reduce((sum, account) => sum + account.credit, 0)
          return { currency, debit, credit, difference: debit - credit }
        })
        const isBalanced = currencies.every(({ difference }) => difference === 0)
        return { isBalanced, currencies, accounts }
      },
    )

    app.get(
      '/v1/ledger/accounts',
      {
        config: admin,
        schema: {
          tags,
          summary: 'Balance of each account, by name',
          querystring: PageQuery,
          response: { 200: Page(AccountBalance), ...problems(400, 401, 403) },
        },
      },
      async request => {
        const limit = pageLimit(request.query)
        const scope = { secret: cursorSecret, sort: 'accounts.name', filter: {} }
        const { cursor } = request.query
        const after = cursor === undefined ? undefined : decodeCursor(cursor, scope, Position)
        const rows = await postgres.read(tx => accountBalances(tx, after, limit + 1))
        return toPage(rows, {
          limit,
          scope,
          position: ({ account, currency }) => [account, currency],
          view: ({ account, currency, amount }) => ({ account, currency, balance: amount }),
        })
      },
    )
  }
}
