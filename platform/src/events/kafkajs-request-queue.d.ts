declare module 'kafkajs/src/network/requestQueue/index.js' {
  class RequestQueue {
    scheduleCheckPendingRequests(): void
  }
  // kafkajs is CommonJS: its export is the default of the module.
  export default RequestQueue
}
