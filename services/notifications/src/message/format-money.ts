import type { Money } from '@campus/contracts/money'

/**
 * An amount as people write it in `locale`, e.g. `€25.80` or `25,80 €`.
 *
 * @param locale BCP 47; one that nobody knows reads like English
 */
export function formatMoney({ amount, currency }: Money, locale: string): string {
  const format = new Intl.NumberFormat(knownLocale(locale), { style: 'currency', currency })
  // Minor units differ: 2 digits for EUR, none for JPY.
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2
  return format.format(amount / 10 ** digits)
}

/** A tag may have the form of a locale and still be none: Intl throws for those. */
function knownLocale(locale: string): string {
  try {
    return Intl.NumberFormat.supportedLocalesOf([locale])[0] ?? 'en'
  } catch {
    return 'en'
  }
}
