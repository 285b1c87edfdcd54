import type { ExternalName, ts } from '../source.js';

/** Something with an identity that the program makes: all that one piece of syntax makes is one `Thing`. */
export interface Thing {
  /** Its number among the things of the program. */
  readonly id: number;
  /** `variable` stands for the memory of a local variable that functions close over. */
  readonly kind:
    | 'collection'
    | 'instance'
    | 'function'
    | 'class'
    | 'external'
    | 'package'
    | 'module'
    | 'variable';
  /** The syntax that makes it. */
  readonly node: ts.Node;
  /** For `instance`: its class or constructor function. */
  readonly owner?: ts.Node;
  /** For `external` and `package`: where it comes from. */
  readonly from?: ExternalName;
  /** For `collection`: an array, a map, a set: what is in it has no name, and what has a name is the language's. */
  readonly isList?: boolean;
  /** For `module`: obtained from `import()`, or a namespace that is passed on: references through it cannot be rewritten. */
  readonly isPassedOn?: boolean;
}

export type Fn = ts.FunctionLikeDeclaration;

/** Any property: of an array, a map, or under a computed name. */
export const ANY = '*';
/** What a map has its values under: who gets a value does not see the keys. */
export const KEY = '*key';
/** Reading under a computed name: every property. */
export const EVERY = '**';
/** Reading one after the other, as `for … of` and `...` do: what is in a thing itself, not the methods of its class. */
export const EACH = '*…';
