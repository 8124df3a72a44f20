import { enrollmentActivated, enrollmentRejected } from '@campus/contracts/events/courses'
import { orderConfirmed } from '@campus/contracts/events/orders'
import type { EnrollmentId } from '@campus/contracts/ids'
import { type Consumer, createConsumer, on } from './bus.ts'
import { createDatabase, type Database } from './database.ts'
import type { World } from './world.ts'

/** What courses makes of a paid course line. */
export type Enrolling = 'activated' | 'rejected' | 'silent'

/** The courses service, as far as orders know it: one answer per course line, or none. */
export function createCourses(
  world: World,
  enrolling: Enrolling,
): { readonly db: Database; readonly consumer: Consumer } {
  const db = createDatabase(world, 'courses')
  const consumer = createConsumer(db, [
    on(orderConfirmed, (tx, { orderId, userId, lines }) => {
      for (const { lineNo, courseId } of lines) {
        if (courseId === undefined || enrolling === 'silent') continue
        const ids = { enrollmentId: world.newId<EnrollmentId>(), userId, courseId }
        tx.emit(
          enrolling === 'activated'
            ? enrollmentActivated.of({
                ...ids,
                version: 1,
                source: { type: 'order', orderId, lineNo },
              })
            : enrollmentRejected.of({ ...ids, orderId, lineNo, reason: 'already_enrolled' }),
        )
      }
    }),
  ])
  return { db, consumer }
}
