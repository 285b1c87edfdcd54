import { isText } from '../packages.js';
import { descendants, type ExternalName, enclosingFunction, type Sources, ts } from '../source.js';
import { Propagation, Slot } from './propagation.js';
import { baseOf, isStaticMember, propertyName, staticField } from './syntax.js';
import { ANY, EACH, EVERY, type Fn, type Thing } from './thing.js';

/** The things of a program: what their properties hold, what functions take and return, and who changes what. */
export class Heap extends Propagation {
  /** The object that every module of the process can see. */
  readonly global: Thing;
  /** The things that each place changes in place. */
  readonly changedAt = new Map<ts.Node, Slot>();
  /** Places that assign each variable after its declaration. */
  readonly writes = new Map<ts.Symbol, Set<ts.Node>>();
  /** Writes to what the whole process shares outside the project's bindings. */
  readonly globalWrites = new Set<ts.Node>();
  /** Calls that tell a package something for all who use it. */
  readonly packageSettings = new Set<ts.CallExpression>();
  /** Bindings read as properties of what `import()` returned, or of a namespace that is passed on. */
  readonly readThroughValue = new Set<ts.Symbol>();
  /** Calls that may run each function. */
  readonly calls = new Map<ts.Node, Set<ts.Node>>();

  private readonly dictionaries = new Set<Thing>();
  private readonly made = new Map<object, Thing>();
  private readonly fields = new Map<Thing, Map<string, Slot>>();
  private readonly packages = new Map<string, Thing>();
  private readonly prototypes = new Map<Thing, Thing>();
  private readonly returns = new Map<ts.Node, Slot>();
  private readonly selves = new Map<ts.Node, Slot>();
  private readonly staticSelves = new Map<ts.Node, Slot>();
  /** Where properties go that were read before they were there. */
  private readonly awaited = new Map<Thing, Map<string, Slot[]>>();
  private readonly usesOfThis = new Map<ts.Node, boolean>();
  private readonly exported = new Map<ts.SourceFile, ReadonlyMap<string, ts.Symbol>>();

  constructor(readonly sources: Sources) {
    super();
    const node = [...sources.files.values()][0]!;
    this.global = this.addThing({ kind: 'package', node, from: { module: '', name: 'globalThis' } });
  }

  /** The thing that a piece of syntax makes. */
  make(kind: Thing['kind'], node: ts.Node, more: Partial<Thing> = {}): Thing {
    const known = this.made.get(node);
    if (known) return known;
    const thing = this.addThing({ kind, node, ...more });
    this.made.set(node, thing);
    if (thing.kind === 'class') this.declareStaticFields(thing);
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

  private declareStaticFields(thing: Thing): void {
    for (const member of (thing.node as ts.ClassLikeDeclaration).members) {
      const name =
        ts.isPropertyDeclaration(member) && isStaticMember(member) ? propertyName(member.name) : undefined;
      if (name !== undefined) this.addField(thing, name, this.slotOf(member));
    }
  }

  packageThing(from: ExternalName, node: ts.Node): Thing {
    const key = `${from.module} ${from.name}`;
    const known = this.packages.get(key) ?? this.addThing({ kind: 'package', node, from });
    this.packages.set(key, known);
    return known;
  }

  /** The memory of a local variable that a function around its scope changes, if any does. */
  memoryOf(symbol: ts.Symbol): Thing | undefined {
    return this.made.get(symbol);
  }

  // ---- properties ----

  /** What a property of a thing holds; made when something is put into it. */
  field(thing: Thing, name: string): Slot {
    return this.fields.get(thing)?.get(name) ?? this.addField(thing, name, new Slot());
  }

  private addField(thing: Thing, name: string, slot: Slot): Slot {
    const fields = this.fields.get(thing) ?? new Map<string, Slot>();
    this.fields.set(thing, fields);
    fields.set(name, slot);
    if (name !== EVERY) this.flow(slot, this.field(thing, EVERY));
    this.giveToReaders(thing, name, slot);
    if (name === ANY && this.dictionaries.has(thing)) this.giveToReaders(thing, NAMED, slot);
    return slot;
  }

  /** Gives a new property to those that have read it before it was there. */
  private giveToReaders(thing: Thing, name: string, slot: Slot): void {
    const names = this.awaited.get(thing);
    const readers = names?.get(name);
    if (!readers) return;
    names?.delete(name);
    for (const into of readers) this.flow(slot, into);
  }

  /** What a thing has, or will have, under a name. */
  private readField(thing: Thing, name: string, into: Slot): void {
    const own = this.fields.get(thing)?.get(name);
    if (own) this.flow(own, into);
    else this.awaitField(thing, name, into);
  }

  private awaitField(thing: Thing, name: string, into: Slot): void {
    const names = this.awaited.get(thing) ?? new Map<string, Slot[]>();
    this.awaited.set(thing, names);
    const readers = names.get(name);
    if (readers) readers.push(into);
    else names.set(name, [into]);
  }

  /** Is all that is known of the thing that it comes from outside the project? */
  private isForeign(thing: Thing): boolean {
    return thing.kind === 'external' || (thing.kind === 'package' && thing !== this.global);
  }

  /** All that a thing holds in its properties. */
  contents(thing: Thing): Slot | undefined {
    return this.fields.get(thing)?.get(EVERY);
  }

  /** Has the thing itself a method of this name, or only its kind? */
  hasOwn(thing: Thing, method: string): boolean {
    const own = this.fields.get(thing)?.get(method);
    return own !== undefined && [...this.heldIn(own)].some((one) => one.kind === 'function');
  }

  /** What the things of a slot have under a name. */
  read(base: Slot, name: string): Slot {
    return this.derive(base, `.${name}`, (thing, into) => this.readThing(thing, name, into));
  }

  private readThing(thing: Thing, key: string, into: Slot): void {
    const name = key === EACH ? EVERY : key;
    if (this.isForeign(thing)) {
      if (!isText(thing.from?.module ?? '', name)) this.put(thing, into);
      return;
    }
    if (thing.kind === 'module') {
      const exported = this.exportsOf(thing.node as ts.SourceFile);
      for (const symbol of name === EVERY ? exported.values() : [exported.get(name)]) {
        if (!symbol) continue;
        const module = symbol.declarations?.find(ts.isSourceFile);
        if (module) this.put(this.passedOn(module), into);
        if (thing.isPassedOn) this.readThroughValue.add(symbol);
        this.flow(this.slotOf(symbol), into);
      }
      return;
    }
    this.readField(thing, name, into);
    if (name !== EVERY && name !== ANY) {
      if (this.seesElements(thing, name)) this.readField(thing, ANY, into);
      else this.awaitField(thing, NAMED, into);
    }
    if (thing.kind === 'class') this.readMember(thing.node, name, true, into);
    if (thing.kind === 'instance' && thing.owner && key !== EACH) this.readInherited(thing.owner, name, into);
    if (thing.kind === 'function' && name === 'prototype')
      this.put(this.prototypeOf(thing), this.field(thing, 'prototype'));
    if (thing.kind === 'class' && name === 'prototype') this.put(thing, into);
  }

  /** A module as a value of another: `export * as shopping from './shopping.js'`. Its last node stands for it so. */
  private passedOn(module: ts.SourceFile): Thing {
    return this.make('module', module.endOfFileToken, { node: module, isPassedOn: true });
  }

  /** May a property read so be one of those without a known name? */
  private seesElements(thing: Thing, name: string): boolean {
    return !thing.isList || this.dictionaries.has(thing) || ELEMENT.test(name);
  }

  /** Something is put into the thing under a name that is not known: an array may be used as an object, too. */
  becomeDictionary(thing: Thing): void {
    if (!thing.isList || this.dictionaries.has(thing)) return;
    this.dictionaries.add(thing);
    const elements = this.fields.get(thing)?.get(ANY);
    if (elements) this.giveToReaders(thing, NAMED, elements);
  }

  private readInherited(owner: ts.Node, name: string, into: Slot): void {
    for (const one of this.classChain(owner)) this.readField(this.make('class', one), name, into);
    if (ts.isClassLike(owner)) this.readMember(owner, name, false, into);
    else this.flow(this.read(this.field(this.make('function', owner), 'prototype'), name), into);
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
    if (name === ANY) this.becomeDictionary(thing);
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
    const known = this.prototypes.get(fn) ?? this.addThing({ kind: 'collection', node: fn.node });
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
    const rest = this.make('collection', parameter, { isList: true });
    this.put(rest, slot);
    this.flow(value, this.field(rest, ANY));
  }

  // ---- what is recorded ----

  recordCall(fn: ts.Node, call: ts.Node): void {
    addTo(this.calls, fn, call);
  }

  recordChange(thing: Thing, at: ts.Node): void {
    this.put(thing, slotIn(this.changedAt, at));
  }

  /** Gives a function that is called as a method its receiver. */
  passReceiver(fn: ts.Node, receiver: Slot): void {
    if (!ts.isArrowFunction(fn) && !ts.isClassElement(fn) && this.mentionsThis(fn))
      this.flow(receiver, this.selfOf(fn));
  }

  private mentionsThis(fn: ts.Node): boolean {
    const known = this.usesOfThis.get(fn);
    if (known !== undefined) return known;
    const found = descendants(fn, isThisOrSuper).length > 0;
    this.usesOfThis.set(fn, found);
    return found;
  }

  recordWrite(symbol: ts.Symbol, at: ts.Node): void {
    addTo(this.writes, symbol, at);
    const declaration = symbol.valueDeclaration;
    const home = declaration && enclosingFunction(declaration);
    if (declaration && home && enclosingFunction(at) !== home) {
      const memory = this.made.get(symbol) ?? this.addThing({ kind: 'variable', node: declaration });
      this.made.set(symbol, memory);
      this.recordChange(memory, at);
    }
  }
}

/** An element by its number, or as `list.values().next().value`. */
const ELEMENT = /^(?:\d+|value)$/;

/** What was read of a list under a name, as one reads a dictionary. */
const NAMED = '*named';

const isThisOrSuper = (node: ts.Node): node is ts.Expression =>
  node.kind === ts.SyntaxKind.ThisKeyword || node.kind === ts.SyntaxKind.SuperKeyword;

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
