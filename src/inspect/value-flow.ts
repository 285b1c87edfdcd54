import { enclosingFunction, forEachReference, type Sources, type ts, unwrap } from './source.js';
import { Heap } from './value-flow/heap.js';
import { type Slot, standingFor, TooManyInclusions } from './value-flow/propagation.js';
import { Statements } from './value-flow/statements.js';
import type { Thing } from './value-flow/thing.js';

export { type Thing, TooManyInclusions };

/**
 * Which things a variable or an expression may hold, and where each thing is changed in place: an inclusion-based
 * points-to analysis (Andersen 1994) over the import closure, without regard to order, context or conditions.
 * Packages are opaque: what they are given they keep, and methods whose names say so change them.
 */
export class ValueFlow {
  private readonly heap: Heap;
  private inOrder: readonly [ts.Node, Slot][] | undefined;
  private readonly changes = new Map<Thing, readonly ts.Node[]>();
  private heldByPackages: ReadonlySet<ts.Node> | undefined;
  private readonly captures = new Map<ts.Node, ReadonlySet<ts.Symbol>>();

  private constructor(private readonly sources: Sources) {
    this.heap = new Heap(sources);
    const statements = new Statements(this.heap);
    for (const file of sources.files.values()) statements.visit(file);
    this.heap.settle();
  }

  /**
   * The analysis of these sources, which is made once.
   *
   * @throws TooManyInclusions
   */
  static of(sources: Sources): ValueFlow {
    const flow = analyses.get(sources) ?? new ValueFlow(sources);
    analyses.set(sources, flow);
    return flow;
  }

  /** Calls that may run a function, those through variables, properties and collections included. */
  callsOf(fn: ts.Node): ReadonlySet<ts.Node> {
    return this.heap.calls.get(fn) ?? new Set();
  }

  /** Is the binding read as a property of what `import()` returned, or of a namespace that is passed on? */
  isReadThroughModuleValue(symbol: ts.Symbol): boolean {
    return this.heap.readThroughValue.has(symbol);
  }

  /** What a variable may hold. */
  heldBy(symbol: ts.Symbol): ReadonlySet<Thing> {
    return this.heap.heldIn(this.heap.slotOf(symbol));
  }

  /** What a static field may hold. */
  heldByField(field: ts.PropertyDeclaration): ReadonlySet<Thing> {
    return this.heap.heldIn(this.heap.slotOf(field));
  }

  /** What an expression may evaluate to. */
  valuesOf(expression: ts.Expression): ReadonlySet<Thing> {
    return this.heap.heldIn(this.heap.slotOf(unwrap(expression)));
  }

  /** Places that assign a variable after its declaration. */
  assignmentsOf(symbol: ts.Symbol): ReadonlySet<ts.Node> {
    return this.heap.writes.get(symbol) ?? new Set();
  }

  /** Places that change a thing in place. */
  changesTo(thing: Thing): readonly ts.Node[] {
    const known = this.changes.get(thing);
    if (known) return known;
    this.inOrder ??= this.changesInOrder();
    const found = this.inOrder.filter(([, things]) => this.heap.holds(things, thing));
    const places = found.map(([place]) => place);
    this.changes.set(thing, places);
    return places;
  }

  private changesInOrder(): [ts.Node, Slot][] {
    const files = new Map([...this.sources.files.values()].map((file, index) => [file, index]));
    const fileOf = (node: ts.Node): number => files.get(node.getSourceFile()) ?? 0;
    return [...this.heap.changedAt].sort(([a], [b]) => fileOf(a) - fileOf(b) || a.pos - b.pos);
  }

  /** Every thing that the program makes. */
  things(): Iterable<Thing> {
    return this.heap.things();
  }

  /** Writes to what the whole process shares outside the project's bindings: `globalThis.x = …`, `process.env.X = …`, a package's own object. */
  get globalWrites(): ReadonlySet<ts.Node> {
    return this.heap.globalWrites;
  }

  /** Calls that tell a package something for all who use it: `mail.setApiKey(key)`. */
  get packageSettings(): ReadonlySet<ts.CallExpression> {
    return this.heap.packageSettings;
  }

  /** May a package call the function: was it given that, or something that holds it? */
  isHeldByPackage(fn: ts.Node): boolean {
    this.heldByPackages ??= new Set(
      [...this.reach([...this.heap.things()].filter(({ kind }) => kind === 'external' || kind === 'package'))]
        .filter(({ kind }) => kind === 'function')
        .map(({ node }) => node),
    );
    return this.heldByPackages.has(fn);
  }

  /** The things and everything they hold: in properties, elements, and variables that their functions close over. */
  reach(things: Iterable<Thing>): Set<Thing> {
    const { things: found } = this.explore(things, () => false);
    return found;
  }

  /**
   * Goes through things and everything they hold, until one is what is looked for.
   *
   * @param beside what was gone through before, which is left out
   */
  explore(things: Iterable<Thing>, isWanted: (thing: Thing) => boolean, beside?: Reached): Reached {
    const found = new Set<Thing>();
    const slots = new Set<Slot>();
    const add = (thing: Thing): void => {
      if (!beside?.things.has(thing)) found.add(thing);
    };
    const addAll = (slot: Slot): void => {
      const standing = standingFor(slot);
      if (slots.has(standing) || beside?.slots.has(standing)) return;
      slots.add(standing);
      this.heap.forEachIn(standing, add);
    };
    for (const thing of things) add(thing);
    for (const thing of found) {
      if (isWanted(thing)) return { things: found, slots, wanted: thing };
      const contents = this.heap.contents(thing);
      if (contents) addAll(contents);
      for (const symbol of this.capturedBy(thing)) {
        addAll(this.heap.slotOf(symbol));
        const memory = this.heap.memoryOf(symbol);
        if (memory) add(memory);
      }
    }
    return { things: found, slots };
  }

  /** Locals of functions around a function (or around an instance's class) that its code mentions. */
  private capturedBy(thing: Thing): ReadonlySet<ts.Symbol> {
    const code = thing.kind === 'function' ? thing.node : thing.kind === 'instance' ? thing.owner : undefined;
    if (!code || !enclosingFunction(code)) return new Set();
    const known = this.captures.get(code);
    if (known) return known;
    const found = new Set<ts.Symbol>();
    forEachReference(code, (identifier) => {
      const symbol = this.sources.symbolOf(identifier);
      const declaration = symbol?.valueDeclaration;
      if (!symbol || !declaration || declaration.getSourceFile() !== code.getSourceFile()) return;
      const isOutside = declaration.pos < code.pos || declaration.end > code.end;
      if (isOutside && enclosingFunction(declaration)) found.add(symbol);
    });
    this.captures.set(code, found);
    return found;
  }
}

/** What was gone through. */
export interface Reached {
  readonly things: Set<Thing>;
  readonly slots: Set<Slot>;
  /** What was looked for, when it was there. */
  readonly wanted?: Thing;
}

const analyses = new WeakMap<Sources, ValueFlow>();
