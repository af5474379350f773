/** Shapes of the rows in the generated schema table. */

/** One field of a message. */
export interface FieldRow {
  readonly name: string;
  /** Field number on the protobuf wire. */
  readonly number: number;
  readonly label: 'required' | 'optional' | 'repeated' | 'map';
  /** Scalar type of protobuf, or the TypeScript name of a message or enum; of a map, its values'. */
  readonly type: string;
  readonly kind: 'scalar' | 'enum' | 'message';
  /** Declared default, as text. */
  readonly default?: string;
  readonly deprecated?: boolean;
}

/** Numbers of an enum's values, by name. */
export type EnumRow = Readonly<Record<string, number>>;
