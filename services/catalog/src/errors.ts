import { defineErrors } from '@campus/platform/errors'

/** Every refusal of the catalog service. Codes are public API: add freely, never rename. */
export const refuse = defineErrors('catalog', {
  slug_reserved: { status: 422, message: 'This slug means something else in the API.' },
  slug_taken: { status: 409, message: 'Another product or category has this slug.' },
  sku_taken: { status: 409, message: 'Another variant has this SKU.' },
  category_unknown: { status: 422, message: 'There is no such category.' },
  category_in_use: { status: 409, message: 'The category has products or subcategories.' },
  category_cycle: { status: 409, message: 'A category cannot be below itself.' },
  no_variant: { status: 409, message: 'A product needs a variant to be published.' },
  no_price: { status: 409, message: 'No variant has a price that is valid now.' },
  product_archived: { status: 409, message: 'The product is archived.' },
  price_owned_by_courses: {
    status: 409,
    message: 'The price of a course is set by its instructor.',
  },
  prices_overlap: {
    status: 409,
    message: 'Two prices of one currency are valid at the same time.',
  },
  price_period_empty: {
    status: 422,
    message: 'A price ends after it begins, and not in the past.',
  },
  not_tracked: { status: 409, message: 'This variant has no stock to count.' },
  stock_reserved: { status: 409, message: 'More units are reserved than would be left.' },
})
