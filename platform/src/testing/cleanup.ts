/** The part of a tap test that releases what the test opened. */
export interface Cleanup {
  teardown(release: () => unknown): void
}
