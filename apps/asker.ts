/** Who asks for a change. */
export interface Asker {
  readonly tenant: string;
  /** Id of a token. */
  readonly by: string;
}
