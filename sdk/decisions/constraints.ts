/** Rules about where a task may run, in the operators that Marathon made known. */

/** What a constraint looks at: `@hostname`, `@region`, `@zone`, or the name of an attribute. */
export type ConstraintField = string;

/**
 * A hard rule. `UNIQUE`: no two tasks of the name share a value. `CLUSTER`: all have the given value, or
 * that of the first. `GROUP_BY`: spread evenly over the values (argument: how many values there are at least).
 * `LIKE`, `UNLIKE`: the value matches the whole regular expression (RE2 syntax, linear time), or does not. `MAX_PER`: at
 * most so many tasks per value. `IS`: the value equals the text, number or range form.
 */
export type Constraint =
  | readonly [field: ConstraintField, operator: 'UNIQUE' | 'CLUSTER' | 'GROUP_BY']
  | readonly [
      field: ConstraintField,
      operator: 'CLUSTER' | 'GROUP_BY' | 'LIKE' | 'UNLIKE' | 'MAX_PER' | 'IS',
      argument: string,
    ];

/** A soft rule: what fulfils it gains its weight (default 1). */
export interface Preference {
  readonly constraint: Constraint;
  readonly weight?: number;
}
