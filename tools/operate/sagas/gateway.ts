import { CliError } from '../../cli-error.ts'
import { type Answer, createClient } from '../../prove/client.ts'
import { nothing, refusal } from '../exit.ts'
import type { Operation } from '../operation.ts'

/** Asks the gateway as an administrator. */
export interface Gateway {
  /** @throws CliError with what the gateway said when it does not do it */
  ask(method: string, path: string, options?: { key?: string; body?: object }): Promise<Answer>
}

/** Signs in where it can: the local mesh has an administrator, elsewhere CAMPUS_TOKEN is one. */
export async function openGateway(
  { addresses, timeoutMs }: Operation,
  gatewayUrl: string | undefined,
): Promise<Gateway> {
  const url = gatewayUrl ?? addresses.CAMPUS_GATEWAY_URL
  if (url === '')
    throw new CliError('Where is the gateway? Say --gateway or set CAMPUS_GATEWAY_URL.')
  const client = createClient(url)
  const token = addresses.CAMPUS_TOKEN === '' ? await signIn() : addresses.CAMPUS_TOKEN

  async function signIn(): Promise<string> {
    const { admin } = addresses
    // The password of this mesh is not given to another gateway.
    if (admin === undefined || gatewayUrl !== undefined) {
      throw new CliError('Put the access token of an administrator into CAMPUS_TOKEN.')
    }
    const { email, password } = admin
    const answer = await client.ask('POST', '/v1/auth/login', { body: { email, password } })
    if (answer.status === 200) return answer.body.accessToken
    throw new CliError(`The administrator of this mesh cannot sign in: ${problemOf(answer)}`)
  }

  return {
    async ask(method, path, options = {}) {
      const answer = await client.ask(method, path, { ...options, token, timeoutMs })
      if (answer.status < 300) return answer
      if (answer.status === 404) throw nothing(problemOf(answer))
      if (answer.status === 409 || answer.status === 403) throw refusal(problemOf(answer))
      throw new CliError(`${method} ${path} answered ${answer.status}: ${problemOf(answer)}`)
    },
  }
}

function problemOf({ status, body }: Answer): string {
  const told: unknown = body?.detail ?? body?.title
  return typeof told === 'string' ? `${told} (${String(body.code ?? status)})` : `status ${status}`
}
