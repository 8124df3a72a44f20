import type { Address, Message, MessageSummary } from './message.ts'

/** The style sheet of both pages. */
export const styleSheet = `
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
a { color: #0b57d0; text-decoration: none }
ol { list-style: none; padding: 0 }
li { border-top: 1px solid #ddd; padding: .6rem 0 }
small, .empty { color: #666 }
pre { background: #f6f6f6; overflow: auto; padding: 1rem; white-space: pre-wrap }
iframe { border: 1px solid #ddd; height: 32rem; width: 100% }
input { font: inherit; padding: .3rem .5rem; width: 24rem }
`

/** The list of mails, newest first. */
export function renderList(mails: readonly MessageSummary[], query: string): string {
  const items = mails.map(
    mail => `<li><a href="/mail/${mail.ID}">${escape(mail.Subject || '(no subject)')}</a><br>
<small>${escape(mail.Created)} to ${people(mail.To)}</small><br>${escape(mail.Snippet)}</li>`,
  )
  const list = items.length === 0 ? '<p class="empty">No mail.</p>' : `<ol>${items.join('\n')}</ol>`
  return document(
    'Inbox',
    `<h1>Inbox</h1><form><input name="query" value="${escape(query)}" placeholder="to:ada subject:order"></form>${list}`,
    // New mails appear by themselves, without a script on the page.
    '<meta http-equiv="refresh" content="5">',
  )
}

/** One mail. Its HTML is shown in a frame that may run nothing and load nothing. */
export function renderMail(mail: Message): string {
  const frame =
    mail.HTML === ''
      ? ''
      : `<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" src="/mail/${mail.ID}/html" title="The mail"></iframe>`
  return document(
    mail.Subject,
    `<p><a href="/">Inbox</a></p><h1>${escape(mail.Subject || '(no subject)')}</h1>
<p>From ${people([mail.From])}<br>To ${people(mail.To)}<br><small>${escape(mail.Date)}</small></p>
${frame}<h2>Text</h2><pre>${escape(mail.Text)}</pre>`,
  )
}

function document(title: string, body: string, head = ''): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">${head}
<meta name="viewport" content="width=device-width"><title>${escape(title)}</title>
<link rel="stylesheet" href="/style.css"></head><body>${body}</body></html>`
}

function people(list: readonly Address[]): string {
  return list.map(({ Name, Address: address }) => escape(`${Name} <${address}>`.trim())).join(', ')
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
