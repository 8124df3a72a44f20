/** How long a fault test lasts: `short` in `npm test`, `long` in `npm run test:faults`. */
export function faultSeconds(short: number, long: number): number {
  return process.env['CAMPUS_FAULTS'] === 'long' ? long : short
}
