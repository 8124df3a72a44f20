// A path that two servers read differently is a way around access checks. Only paths that everybody
// reads alike are forwarded: no empty or dot segments, no encoded separators, no second encoding.

/** Longest path that is forwarded, in characters. */
const pathMax = 2_048

const segment = "(?:[A-Za-z0-9_~!$&'()*+,=:@.-]|%[0-9A-Fa-f]{2})+"
const plain = new RegExp(`^(?:/${segment})+$`)
/** Encoded control characters, `%`, `.`, `/`, `;`, `\` and DEL. */
const dangerousEscape = /%(?:[01][0-9a-f]|25|2e|2f|3b|5c|7f)/i
/** Segments of dots only, and segments that end in a dot. */
const dots = /\.(?:\/|$)/

/** Whether `path` (without query) can be forwarded as it is. Linear in its length. */
export function isPlainPath(path: string): boolean {
  return (
    path.length <= pathMax && plain.test(path) && !dangerousEscape.test(path) && !dots.test(path)
  )
}
