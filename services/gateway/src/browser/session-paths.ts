/** Where tokens are given, exchanged and given back: the cookies are made and read there. */
export const sessionPaths = {
  login: '/v1/auth/login',
  refresh: '/v1/auth/refresh',
  logout: '/v1/auth/logout',
} as const

const all: ReadonlySet<string> = new Set(Object.values(sessionPaths))

/** Whether the route of a request makes its own use of cookies. */
export function readsCookiesItself(method: string, path: string): boolean {
  return method === 'POST' && all.has(path)
}
