import { createServer, type Socket } from 'node:net'
import type { Cleanup } from './cleanup.ts'
import { listenOnLoopback } from './listen.ts'

/** What the server answers to a command; `drop` closes the connection, any other text is sent. */
export type SmtpReplies = Partial<Record<'MAIL' | 'RCPT' | 'DATA' | 'BODY', string>>

/** An SMTP server that follows a script: real ones cannot be made to fail at one exact moment. */
export async function scriptedSmtp(t: Cleanup, replies: SmtpReplies = {}) {
  const received: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    let isBody = false
    let text = ''
    socket.on('error', () => undefined)
    socket.write('220 test ESMTP\r\n')
    socket.on('data', chunk => {
      text += chunk.toString()
      const end = isBody ? '\r\n.\r\n' : '\r\n'
      while (text.includes(end)) {
        const part = text.slice(0, text.indexOf(end))
        text = text.slice(part.length + end.length)
        received.push(part)
        const verb = isBody ? 'BODY' : part.slice(0, 4).toUpperCase()
        const standard = verb === 'DATA' ? '354 go on' : '250 ok'
        const answer = Object.entries(replies).find(([name]) => name === verb)?.[1] ?? standard
        isBody = verb === 'DATA' && answer.startsWith('354')
        if (answer === 'drop') socket.destroy()
        else socket.write(`${answer}\r\n`)
        if (isBody) return
      }
    })
  })
  const port = await listenOnLoopback(t, server)
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
  })
  return { url: `smtp://127.0.0.1:${port}`, received, server }
}
