// The pages that the links of mails open. The token stands behind the `#`, so it reaches no server, no
// log and no proxy; nothing is sent before its reader presses the button, because programs that check
// mails open links too.

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}
input,button{font:inherit;padding:.5rem;margin:.5rem 0;display:block}`

const script = `const form = document.querySelector('form')
const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? ''
form.addEventListener('submit', async event => {
  event.preventDefault()
  const body = JSON.stringify({ token, ...Object.fromEntries(new FormData(form)) })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(location.pathname, { method: 'POST', headers, body })
  const problem = answer.ok ? {} : await answer.json()
  document.querySelector('output').textContent = answer.ok ? form.dataset.done : problem.title
})`

/** A page with one form, which posts to the path that it was read from. */
export interface MailPage {
  readonly markup: string
  /** Inline parts, of which a content security policy names the hashes. */
  readonly inline: { readonly script: string; readonly style: string }
}

function page(title: string, button: string, done: string, field = ''): MailPage {
  return {
    markup: `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title} · Campus</title>
<meta name="viewport" content="width=device-width"><style>${style}</style></head>
<body><h1>${title}</h1><form data-done="${done}">${field}<button>${button}</button></form>
<output></output><script>${script}</script></body></html>
`,
    inline: { script, style },
  }
}

/** For the link of the verification mail. */
export const verifyPage = page(
  'Confirm your e-mail address',
  'Confirm',
  'Thank you: your address is confirmed. You can log in now.',
)

/** For the link of the mail about a new password. */
export const resetPage = page(
  'Choose a new password',
  'Save',
  'Your new password is saved. You can log in now.',
  '<label>New password<input type="password" name="password" minlength="8" maxlength="256" ' +
    'autocomplete="new-password" required></label>',
)
