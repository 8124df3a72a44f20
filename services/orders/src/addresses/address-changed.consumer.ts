import { addressRemoved, addressSaved } from '@campus/contracts/events/users'
import { defineConsumer, on } from '@campus/platform/events/consumer'
import { removeAddress, saveAddress } from './known-address.store.ts'

/** Keeps whose addresses there are, for checkout. */
export const addressConsumer = defineConsumer({
  name: 'orders.addresses',
  kind: 'projection',
  onBootstrap: 'replay',
  handlers: [
    on(addressSaved, async ({ tx, event: { data } }) => {
      await saveAddress(tx, data.userId, data.addressId)
    }),
    on(addressRemoved, async ({ tx, event: { data } }) => {
      await removeAddress(tx, data.userId, data.addressId)
    }),
  ],
})
