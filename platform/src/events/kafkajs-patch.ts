import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'

// kafkajs arms a timer after every check of its request queue, even when nothing is queued: 1 ms
// apart, for ever, per connection (kafkajs#1704, #1556, #1667). Only a queue with something in it
// needs one: 5 % of a core less for an idle producer. It must reach the copy of kafkajs that is used,
// hence the import by its inner path.

/** Queued requests are checked again after this time, unless the broker asked for a longer pause. */
const checkMs = 10

interface Queue {
  pending: readonly unknown[]
  throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
}

function scheduleCheckPendingRequests(this: Queue): void {
  if (this.pending.length === 0 || this.throttleCheckTimeoutId !== null) return
  const throttledMs = this.throttledUntil - Date.now()
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    },
    throttledMs > 0 ? throttledMs : checkMs,
  )
}

/** Puts the corrected method in place; doing it again changes nothing. */
export function patchKafkajs(): void {
  RequestQueue.prototype.scheduleCheckPendingRequests = scheduleCheckPendingRequests
  // The client warns about its own choice of partitions, which is never used here.
  process.env['KAFKAJS_NO_PARTITIONER_WARNING'] = '1'
}
