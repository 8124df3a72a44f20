import { type Static, type TUnsafe, Type } from 'typebox'

/** A string that is an id of one kind of thing, so that two kinds cannot be confused. */
export type Id<Kind extends string> = string & { readonly __kind: Kind }

/** Canonical lower-case UUID; ours are version 7, whose order is the order of creation. */
const pattern = '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'

const canonical = new RegExp(pattern)

/**
 * Text that is known to be an id, as the branded type that its place asks for.
 *
 * @throws TypeError when `text` is not a canonical UUID
 */
// The caller's context chooses the brand, so the parameter occurs once.
// oxlint-disable-next-line no-unnecessary-type-parameters
export function asId<T extends Id<string>>(text: string): T {
  if (!canonical.test(text)) throw new TypeError(`"${text}" is not a canonical UUID.`)
  // The brand exists for the compiler only: this is the one place that grants it.
  // oxlint-disable-next-line no-unsafe-type-assertion
  return text as T
}

function idOf<Kind extends string>(kind: Kind): TUnsafe<Id<Kind>> {
  return Type.Unsafe<Id<Kind>>({
    type: 'string',
    pattern,
    maxLength: 36,
    description: `Id of a ${kind}`,
  })
}

export const UserId = idOf('user')
export type UserId = Static<typeof UserId>
export const SessionId = idOf('session')
export type SessionId = Static<typeof SessionId>
export const ProductId = idOf('product')
export type ProductId = Static<typeof ProductId>
export const VariantId = idOf('variant')
export type VariantId = Static<typeof VariantId>
export const PriceId = idOf('price')
export type PriceId = Static<typeof PriceId>
export const CategoryId = idOf('category')
export type CategoryId = Static<typeof CategoryId>
export const CourseId = idOf('course')
export type CourseId = Static<typeof CourseId>
export const ReservationId = idOf('reservation')
export type ReservationId = Static<typeof ReservationId>
export const MovementId = idOf('movement')
export type MovementId = Static<typeof MovementId>
export const CartId = idOf('cart')
export type CartId = Static<typeof CartId>
export const OrderId = idOf('order')
export type OrderId = Static<typeof OrderId>
export const AddressId = idOf('address')
export type AddressId = Static<typeof AddressId>
export const PaymentMethodId = idOf('payment_method')
export type PaymentMethodId = Static<typeof PaymentMethodId>
export const IntentId = idOf('intent')
export type IntentId = Static<typeof IntentId>
export const RefundId = idOf('refund')
export type RefundId = Static<typeof RefundId>
export const DisputeId = idOf('dispute')
export type DisputeId = Static<typeof DisputeId>
export const FulfillmentId = idOf('fulfillment')
export type FulfillmentId = Static<typeof FulfillmentId>
export const ReturnId = idOf('return')
export type ReturnId = Static<typeof ReturnId>
export const PromotionId = idOf('promotion')
export type PromotionId = Static<typeof PromotionId>
export const EnrollmentId = idOf('enrollment')
export type EnrollmentId = Static<typeof EnrollmentId>
export const ChallengeId = idOf('challenge')
export type ChallengeId = Static<typeof ChallengeId>
export const NotificationId = idOf('notification')
export type NotificationId = Static<typeof NotificationId>
export const DeliveryId = idOf('delivery')
export type DeliveryId = Static<typeof DeliveryId>
/** An id of whatever the neighbouring field names. */
export const AnyId = idOf('any')
export type AnyId = Static<typeof AnyId>
