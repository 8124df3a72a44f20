/** Whether this is `npm run test:faults`, which has more time than `npm test`. */
export const isLongRun = process.env['CAMPUS_FAULTS'] === 'long'

/** How long a fault test lasts: `short` in `npm test`, `long` in `npm run test:faults`. */
export function faultSeconds(short: number, long: number): number {
  return isLongRun ? long : short
}
