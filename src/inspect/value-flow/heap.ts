import { type ExternalName, enclosingFunction, type Sources, ts } from '../source.js';
import { Propagation, Slot } from './propagation.js';
import { baseOf, isStaticMember, propertyName, staticField } from './syntax.js';
import { ANY, EVERY, type Fn, type Thing } from './thing.js';

/** The things of a program: what their properties hold, what functions take and return, and who changes what. */
export class Heap extends Propagation {
  /** The object that every module of the process can see. */
  readonly global: Thing;
  /** Places that change each thing in place. */
  readonly changes = new Map<Thing, Set<ts.Node>>();
  /** Places that assign each variable after its declaration. */
  readonly writes = new Map<ts.Symbol, Set<ts.Node>>();
  /** Writes to what the whole process shares outside the project's bindings. */
  readonly globalWrites = new Set<ts.Node>();
  /** Bindings read as properties of what `import()` returned. */
  readonly readLater = new Set<ts.Symbol>();
  /** Calls that may run each function. */
  readonly calls = new Map<ts.Node, Set<ts.Node>>();

  private readonly made = new Map<object, Thing>();
  private readonly fields = new Map<Thing, Map<string, Slot>>();
  private readonly packages = new Map<string, Thing>();
  private readonly prototypes = new Map<Thing, Thing>();
  private readonly returns = new Map<ts.Node, Slot>();
  private readonly selves = new Map<ts.Node, Slot>();
  private readonly staticSelves = new Map<ts.Node, Slot>();
  private readonly exported = new Map<ts.SourceFile, ReadonlyMap<string, ts.Symbol>>();

  constructor(readonly sources: Sources) {
    super();
    const node = [...sources.files.values()][0]!;
    this.global = { kind: 'package', node, from: { module: '', name: 'globalThis' } };
  }

  /** The thing that a piece of syntax makes. */
  make(kind: Thing['kind'], node: ts.Node, more: Partial<Thing> = {}): Thing {
    let thing = this.made.get(node);
    if (!thing) {
      thing = { kind, node, ...more };
      this.made.set(node, thing);
    }
    return thing;
  }

  /** A value that the language or the environment makes, and all that is in it: JSON, bytes, a URL. */
  opaque(node: ts.Node): Thing {
    const thing = this.make('collection', node);
    this.put(thing, this.field(thing, ANY));
    return thing;
  }

  /** Everything that the program makes. */
  things(): Iterable<Thing> {
    return this.made.values();
  }

  packageThing(from: ExternalName, node: ts.Node): Thing {
    const key = `${from.module} ${from.name}`;
    const known = this.packages.get(key) ?? { kind: 'package' as const, node, from };
    this.packages.set(key, known);
    return known;
  }

  /** The memory of a local variable that a function around its scope changes, if any does. */
  memoryOf(symbol: ts.Symbol): Thing | undefined {
    return this.made.get(symbol);
  }

  // ---- properties ----

  field(thing: Thing, name: string): Slot {
    let fields = this.fields.get(thing);
    if (!fields) {
      fields = new Map();
      this.fields.set(thing, fields);
    }
    let slot = fields.get(name);
    if (!slot) {
      slot = new Slot();
      fields.set(name, slot);
      if (name !== EVERY) this.flow(slot, this.field(thing, EVERY));
      const declared = thing.kind === 'class' && staticField(thing.node as ts.ClassLikeDeclaration, name);
      if (declared) {
        this.flow(this.slotOf(declared), slot);
        this.flow(slot, this.slotOf(declared));
      }
    }
    return slot;
  }

  /** Every property of a thing that something was put into or read from. */
  fieldsOf(thing: Thing): Iterable<Slot> {
    return this.fields.get(thing)?.values() ?? [];
  }

  /** Has the thing itself a method of this name, or only its kind? */
  hasOwn(thing: Thing, method: string): boolean {
    const own = this.fields.get(thing)?.get(method);
    return own !== undefined && [...own.things].some((one) => one.kind === 'function');
  }

  read(thing: Thing, name: string, into: Slot): void {
    if (thing === this.global) {
      this.flow(this.field(thing, name), into);
      if (name !== EVERY) this.flow(this.field(thing, ANY), into);
      return;
    }
    if (thing.kind === 'external' || thing.kind === 'package') {
      this.put(thing, into);
      return;
    }
    if (thing.kind === 'module') {
      const symbol = this.exportsOf(thing.node as ts.SourceFile).get(name);
      if (!symbol) return;
      if (thing.isLoadedLater) this.readLater.add(symbol);
      this.flow(this.slotOf(symbol), into);
      return;
    }
    this.flow(this.field(thing, name), into);
    if (name !== EVERY) this.flow(this.field(thing, ANY), into);
    if (thing.kind === 'class') this.readMember(thing.node, name, true, into);
    if (thing.kind === 'instance' && thing.owner) {
      for (const one of this.classChain(thing.owner))
        this.flow(this.field(this.make('class', one), name), into);
      if (ts.isClassLike(thing.owner)) this.readMember(thing.owner, name, false, into);
      else
        this.watch(this.field(this.make('function', thing.owner), 'prototype'), (proto) =>
          this.read(proto, name, into),
        );
    }
    if (thing.kind === 'function' && name === 'prototype')
      this.put(this.prototypeOf(thing), this.field(thing, 'prototype'));
    if (thing.kind === 'class' && name === 'prototype') this.put(thing, into);
  }

  /** @param at the place that changes the thing; undefined when this is how it is made */
  store(thing: Thing, name: string, value: Slot, at: ts.Node | undefined): void {
    if (thing.kind === 'package') {
      if (at && thing !== this.global) this.globalWrites.add(at);
      if (thing === this.global) this.flow(value, this.field(thing, name));
      return;
    }
    if (thing.kind === 'module') {
      if (at) this.globalWrites.add(at);
      return;
    }
    this.flow(value, this.field(thing, name));
    if (thing.kind === 'instance' && thing.owner)
      for (const one of this.classChain(thing.owner))
        for (const member of one.members)
          if (ts.isSetAccessorDeclaration(member) && propertyName(member.name) === name)
            this.passTo(member, 0, value);
    if (!at) return;
    const declared =
      thing.kind === 'class' ? staticField(thing.node as ts.ClassLikeDeclaration, name) : undefined;
    const symbol = declared && this.sources.checker.getSymbolAtLocation(declared.name);
    if (symbol) this.recordWrite(symbol, at);
    else this.recordChange(thing, at);
  }

  private prototypeOf(fn: Thing): Thing {
    const known = this.prototypes.get(fn) ?? { kind: 'collection' as const, node: fn.node };
    this.prototypes.set(fn, known);
    return known;
  }

  /** Methods and accessors of a class, its own or inherited. */
  private readMember(owner: ts.Node, name: string, isStatic: boolean, into: Slot): void {
    for (const one of this.classChain(owner))
      for (const member of one.members) {
        if (!member.name || isStaticMember(member) !== isStatic) continue;
        if (name !== EVERY && propertyName(member.name) !== name) continue;
        if (ts.isMethodDeclaration(member)) this.put(this.make('function', member), into);
        if (ts.isGetAccessorDeclaration(member)) this.flow(this.returned(member), into);
        if (isStatic && ts.isPropertyDeclaration(member)) this.flow(this.slotOf(member), into);
      }
  }

  /** A class and those it extends, as far as they are the project's own. */
  classChain(owner: ts.Node): ts.ClassLikeDeclaration[] {
    const chain: ts.ClassLikeDeclaration[] = [];
    for (let at: ts.Node | undefined = owner; at && ts.isClassLike(at) && !chain.includes(at); ) {
      chain.push(at);
      const base: ts.Expression | undefined = baseOf(at);
      at = base && this.sources.symbolOf(base)?.valueDeclaration;
    }
    return chain;
  }

  private exportsOf(file: ts.SourceFile): ReadonlyMap<string, ts.Symbol> {
    const known = this.exported.get(file);
    if (known) return known;
    const symbol = this.sources.checker.getSymbolAtLocation(file);
    const names = new Map<string, ts.Symbol>();
    for (const one of symbol ? this.sources.checker.getExportsOfModule(symbol) : [])
      names.set(one.name, this.sources.targetOf(one));
    this.exported.set(file, names);
    return names;
  }

  // ---- functions ----

  /** What a function returns, or a generator yields. */
  returned(fn: ts.Node): Slot {
    return slotIn(this.returns, fn);
  }

  /** `this` in a function, or in the instance members of a class: one for all instances. */
  selfOf(owner: ts.Node): Slot {
    return slotIn(this.selves, owner);
  }

  /** The value of `this` in the code around a node. */
  thisOf(node: ts.Node): Slot {
    for (let at: ts.Node = node; at; at = at.parent) {
      if (ts.isClassLike(at.parent ?? at) && ts.isClassElement(at)) {
        const owner = at.parent as ts.ClassLikeDeclaration;
        if (!isStaticMember(at)) return this.selfOf(owner);
        const slot = slotIn(this.staticSelves, owner);
        this.put(this.make('class', owner), slot);
        return slot;
      }
      if (ts.isFunctionLike(at) && !ts.isArrowFunction(at)) return this.selfOf(at);
    }
    return new Slot();
  }

  passTo(fn: Fn, index: number, value: Slot): void {
    const parameter = fn.parameters[index] ?? fn.parameters.at(-1);
    if (!parameter || (fn.parameters[index] === undefined && !parameter.dotDotDotToken)) return;
    const symbol = ts.isIdentifier(parameter.name)
      ? this.sources.checker.getSymbolAtLocation(parameter.name)
      : undefined;
    const slot = symbol ? this.slotOf(symbol) : this.slotOf(parameter);
    if (!parameter.dotDotDotToken) {
      this.flow(value, slot);
      return;
    }
    const rest = this.make('collection', parameter);
    this.put(rest, slot);
    this.flow(value, this.field(rest, ANY));
  }

  // ---- what is recorded ----

  recordCall(fn: ts.Node, call: ts.Node): void {
    addTo(this.calls, fn, call);
  }

  recordChange(thing: Thing, at: ts.Node): void {
    addTo(this.changes, thing, at);
  }

  recordWrite(symbol: ts.Symbol, at: ts.Node): void {
    addTo(this.writes, symbol, at);
    const declaration = symbol.valueDeclaration;
    const home = declaration && enclosingFunction(declaration);
    if (declaration && home && enclosingFunction(at) !== home) {
      const memory = this.made.get(symbol) ?? { kind: 'variable' as const, node: declaration };
      this.made.set(symbol, memory);
      this.recordChange(memory, at);
    }
  }
}

function addTo<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  const known = sets.get(key);
  if (known) known.add(value);
  else sets.set(key, new Set([value]));
}

function slotIn(slots: Map<ts.Node, Slot>, key: ts.Node): Slot {
  const known = slots.get(key) ?? new Slot();
  slots.set(key, known);
  return known;
}
