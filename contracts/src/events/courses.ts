import { Type } from 'typebox'
import { defineEvent } from '../envelope.ts'
import { LineNo } from '../fields.ts'
import { asId, CourseId, EnrollmentId, OrderId, UserId } from '../ids.ts'

const enrollmentId = asId<EnrollmentId>('0193a1c0-0000-7000-8000-000000000061')
const userId = asId<UserId>('0193a1c0-0000-7000-8000-000000000001')
const courseId = asId<CourseId>('0193a1c0-0000-7000-8000-000000000062')
const orderId = asId<OrderId>('0193a1c0-0000-7000-8000-000000000021')
const enrollment = { aggregate: 'enrollment', subject: 'enrollmentId' } as const
const Enrolled = { enrollmentId: EnrollmentId, userId: UserId, courseId: CourseId }

/** Why somebody has access; an order names its line. */
export const EnrollmentSource = Type.Object({
  type: Type.Union([Type.Literal('order'), Type.Literal('grant'), Type.Literal('free')]),
  orderId: Type.Optional(OrderId),
  lineNo: Type.Optional(LineNo),
})

export const enrollmentActivated = defineEvent({
  type: 'courses.enrollment_activated.v1',
  ...enrollment,
  schema: Type.Object({
    ...Enrolled,
    /** Version of the course that the student keeps. */
    version: Type.Integer({ minimum: 1, maximum: 1_000_000_000 }),
    source: EnrollmentSource,
  }),
  example: {
    enrollmentId,
    userId,
    courseId,
    version: 1,
    source: { type: 'order', orderId, lineNo: 1 },
  },
})

export const enrollmentRejected = defineEvent({
  type: 'courses.enrollment_rejected.v1',
  ...enrollment,
  schema: Type.Object({
    ...Enrolled,
    orderId: OrderId,
    lineNo: LineNo,
    reason: Type.Union([Type.Literal('already_enrolled'), Type.Literal('course_unpublished')]),
  }),
  example: { enrollmentId, userId, courseId, orderId, lineNo: 1, reason: 'already_enrolled' },
})

export const enrollmentRevoked = defineEvent({
  type: 'courses.enrollment_revoked.v1',
  ...enrollment,
  schema: Type.Object({
    ...Enrolled,
    cause: Type.Union([
      Type.Literal('refund'),
      Type.Literal('cancellation'),
      Type.Literal('dispute'),
      Type.Literal('left'),
      Type.Literal('admin'),
      Type.Literal('erasure'),
    ]),
  }),
  example: { enrollmentId, userId, courseId, cause: 'refund' },
})
