import type { Notification } from '../inbox/notification.ts'

/** A notification and the version of the list that brought it. */
export interface Listed extends Notification {
  readonly seq: number
}
