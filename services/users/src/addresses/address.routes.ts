import { AddressId, asId, UserId } from '@campus/contracts/ids'
import { chassis, fail } from '@campus/platform/errors'
import { userOf } from '@campus/platform/http/auth'
import { problems } from '@campus/platform/http/problem'
import type { App, FastifyRequest } from '@campus/platform/http/server'
import { Type } from 'typebox'
import { addressesOf, findAddress } from './address.store.ts'
import { AddressChange, AddressView, NewAddress, viewOf } from './address-view.ts'
import {
  type AddressDeps,
  addAddress,
  changeAddress,
  removeAddress,
} from './save-address.command.ts'

const tags = ['addresses']
const user = { access: 'user' } as const
const params = Type.Object({ addressId: AddressId })

/** Where parcels go. */
export function addressRoutes(deps: AddressDeps) {
  const { postgres } = deps
  const me = (request: FastifyRequest) => asId<UserId>(userOf(request).userId)

  return async (app: App): Promise<void> => {
    app.get(
      '/v1/me/addresses',
      {
        config: user,
        schema: {
          tags,
          summary: 'My addresses, the newest first; 20 at most',
          response: { 200: Type.Object({ data: Type.Array(AddressView) }), ...problems(401) },
        },
      },
      async request => {
        const found = await postgres.read(tx => addressesOf(tx, me(request)))
        return { data: found.map(viewOf) }
      },
    )

    app.post(
      '/v1/me/addresses',
      {
        config: user,
        schema: {
          tags,
          summary: 'Adds an address',
          body: NewAddress,
          response: { 201: AddressView, ...problems(400, 401, 409) },
        },
      },
      async (request, reply) => {
        const { line2 = '', postalCode = '', region = '', ...lines } = request.body
        const made = await addAddress(deps, me(request), { ...lines, line2, postalCode, region })
        reply.code(201)
        return viewOf(made)
      },
    )

    app.patch(
      '/v1/me/addresses/:addressId',
      {
        config: user,
        schema: {
          tags,
          summary: 'Changes an address: it gets another id, and orders keep the old one',
          params,
          body: AddressChange,
          response: { 200: AddressView, ...problems(400, 401, 404) },
        },
      },
      async request => {
        const { addressId } = request.params
        return viewOf(await changeAddress(deps, me(request), addressId, request.body))
      },
    )

    app.delete(
      '/v1/me/addresses/:addressId',
      {
        config: user,
        schema: {
          tags,
          summary: 'Removes an address',
          params,
          response: { 204: Type.Null(), ...problems(400, 401, 404) },
        },
      },
      async (request, reply) => {
        await removeAddress(deps, me(request), request.params.addressId)
        return reply.code(204).send(null)
      },
    )

    app.get(
      '/v1/users/:userId/addresses/:addressId',
      {
        config: { access: { roles: ['admin'] } },
        schema: {
          tags,
          summary: 'The address that an order names, as it was then',
          params: Type.Object({ userId: UserId, addressId: AddressId }),
          response: { 200: AddressView, ...problems(400, 401, 403, 404) },
        },
      },
      async request => {
        const { userId, addressId } = request.params
        const found = await postgres.read(tx => findAddress(tx, userId, addressId))
        return viewOf(found ?? fail(chassis.notFound()))
      },
    )
  }
}
