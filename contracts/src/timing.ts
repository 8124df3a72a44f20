/** How long a buyer may take to pay: the checkout saga's payment timer. */
export const paymentSeconds = 900

/** How long stock is held for an order. At least `paymentSeconds` + 300, which a test keeps. */
export const holdSeconds = 1_200
