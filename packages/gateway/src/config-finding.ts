/** Something that is wrong, and where in the configuration. */
export type Finding = readonly [path: readonly PropertyKey[], message: string];

/** What stands in a part of the file as it was written, where it is a mapping. */
export type Members = Readonly<Record<string, unknown>>;

export const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {};
