/** Whom and how to address: a copy of what users says. */
export interface Profile {
  readonly email: string
  readonly name: string
  /** BCP 47. */
  readonly locale: string
}
