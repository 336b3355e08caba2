/** Whether two types are the same but for `readonly` and `| undefined`, which a schema library cannot leave out. */

type Plain<T> = T extends readonly (infer Item)[]
  ? Plain<Item>[]
  : T extends object
    ? { -readonly [K in keyof T]: Plain<Exclude<T[K], undefined>> }
    : T;

/**
 * Assignability both ways would take an optional field that one of them lacks for nothing; this compares the types as they
 * are written. A name for the function's type would undo that: the compiler then compares arguments of the name.
 */
// oxlint-disable typescript/no-unnecessary-type-parameters
type Identical<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2
    ? true
    : false;
// oxlint-enable typescript/no-unnecessary-type-parameters

/** `true` as a type: assigning `false` to it does not compile. */
export type SameType<A, B> = Identical<Plain<A>, Plain<B>>;
