import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type MessageSummary, type StoredMail, summarize } from './message.ts'
import { parseSearch, type Searchable } from './search.ts'

/** The oldest mails go first when there are more, unless the store is opened for another number. */
export const mailsMax = 2_000

/** Characters of each text that a search sees; the whole mail is only on disk. */
const searchedCharactersMax = 4_096

/** The mails of one home: a file each, and an index in memory. */
export interface MailStore {
  add(mail: StoredMail): Promise<void>
  /** Newest first; without a query all of them. */
  list(query?: string): readonly MessageSummary[]
  /** @returns undefined when there is no such mail (any more) */
  read(id: string): Promise<StoredMail | undefined>
  clear(): void
}

/**
 * Opens the folder and reads what an earlier run has received.
 *
 * @param keptMax mails that are kept
 */
export function openMailStore(folder: string, keptMax: number = mailsMax): MailStore {
  const file = (id: string) => join(folder, `${id}.json`)
  // In the order of arrival: ids begin with the time.
  const index = new Map<string, Searchable>()
  for (const name of readdirSync(folder).toSorted()) {
    if (name.endsWith('.json'))
      remember(index, JSON.parse(readFileSync(join(folder, name), 'utf8')))
  }
  const forget = (id: string) => {
    index.delete(id)
    rmSync(file(id), { force: true })
  }

  return {
    async add(mail) {
      const { ID } = mail.message
      // Written before the sender is told that the mail was taken.
      await writeFile(`${file(ID)}.unfinished`, JSON.stringify(mail), { mode: 0o600 })
      await rename(`${file(ID)}.unfinished`, file(ID))
      remember(index, mail)
      for (const id of [...index.keys()].slice(0, -keptMax)) forget(id)
    },
    list(query) {
      const isWanted = query === undefined ? () => true : parseSearch(query)
      return [...index.values()]
        .filter(isWanted)
        .map(({ summary }) => summary)
        .toReversed()
    },
    async read(id) {
      // The id comes from a URL: only one that the index knows becomes a path.
      if (!index.has(id) || !existsSync(file(id))) return undefined
      const mail: StoredMail = JSON.parse(await readFile(file(id), 'utf8'))
      return mail
    },
    clear() {
      for (const id of index.keys()) forget(id)
    },
  }
}

function remember(index: Map<string, Searchable>, { message }: StoredMail): void {
  const text = message.Text.slice(0, searchedCharactersMax)
  index.set(message.ID, { summary: summarize(message), text })
}
