import {
  CALLS_BACK,
  CHANGES_COLLECTION,
  CHANGES_OBJECT,
  IMMUTABLE_GLOBALS,
  isShareablePackage,
} from './packages.js';
import {
  type ExternalName,
  enclosingFunction,
  forEachReference,
  rootOf,
  type Sources,
  ts,
} from './source.js';

/** Something with an identity that the program makes: all that one piece of syntax makes is one `Thing`. */
export interface Thing {
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
  /** For `module`: obtained from `import()`, so that references through it cannot be rewritten. */
  readonly isLoadedLater?: boolean;
}

/** A place through which things flow: a variable, a property, a parameter, the value of an expression. */
class Slot {
  readonly things = new Set<Thing>();
  readonly targets = new Set<Slot>();
  readonly watchers: ((thing: Thing) => void)[] = [];
}

type Fn = ts.FunctionLikeDeclaration;

/** Any property: of an array, a map, or under a computed name. */
const ANY = '*';
/** Reading under a computed name: every property. */
const EVERY = '**';

/**
 * Which things a variable or an expression may hold, and where each thing is changed in place: an inclusion-based
 * points-to analysis (Andersen 1994) over the import closure, without regard to order, context or conditions.
 * Packages are opaque: what they are given they keep, and methods whose names say so change them.
 */
export class ValueFlow {
  private readonly slots = new Map<object, Slot>();
  private readonly fields = new Map<Thing, Map<string, Slot>>();
  private readonly made = new Map<object, Thing>();
  private readonly changesOf = new Map<Thing, Set<ts.Node>>();
  private readonly writes = new Map<ts.Symbol, Set<ts.Node>>();
  private readonly pending: [Slot, Thing][] = [];
  private readonly calls = new Map<ts.Node, Set<ts.Node>>();
  private readonly readLater = new Set<ts.Symbol>();
  /** Writes to what the whole process shares outside the project's bindings: `globalThis.x = …`, `process.env.X = …`, a package's own object. */
  readonly globalWrites: ts.Node[] = [];

  private readonly global: Thing;

  constructor(private readonly sources: Sources) {
    const node = [...sources.files.values()][0]!;
    this.global = { kind: 'package', node, from: { module: '', name: 'globalThis' } };
    for (const file of sources.files.values()) this.visit(file);
    this.settle();
  }

  // ---- what others ask ----

  /** Calls that may run a function, those through variables, properties and collections included. */
  callsOf(fn: ts.Node): ReadonlySet<ts.Node> {
    return this.calls.get(fn) ?? new Set();
  }

  /** Is the binding read as a property of what `import()` returned? */
  isReadThroughImportCall(symbol: ts.Symbol): boolean {
    return this.readLater.has(symbol);
  }

  /** What a variable may hold. */
  heldBy(symbol: ts.Symbol): ReadonlySet<Thing> {
    return this.slotOf(symbol).things;
  }

  /** What a static field may hold. */
  heldByField(field: ts.PropertyDeclaration): ReadonlySet<Thing> {
    return this.slotOf(field).things;
  }

  /** What an expression may evaluate to. */
  valuesOf(expression: ts.Expression): ReadonlySet<Thing> {
    return this.value(expression).things;
  }

  /** Places that assign a variable after its declaration. */
  assignmentsOf(symbol: ts.Symbol): ReadonlySet<ts.Node> {
    return this.writes.get(symbol) ?? new Set();
  }

  /** Places that change a thing in place. */
  changesTo(thing: Thing): ReadonlySet<ts.Node> {
    return this.changesOf.get(thing) ?? new Set();
  }

  /** Every thing that is changed somewhere. */
  changed(): Iterable<Thing> {
    return this.changesOf.keys();
  }

  /** The things and everything they hold: in properties, elements, and variables that their functions close over. */
  reach(things: Iterable<Thing>): Set<Thing> {
    const found = new Set<Thing>(things);
    for (const thing of found) {
      for (const slot of this.fields.get(thing)?.values() ?? [])
        for (const one of slot.things) found.add(one);
      for (const symbol of this.capturedBy(thing)) {
        for (const one of this.slotOf(symbol).things) found.add(one);
        const memory = this.made.get(symbol);
        if (memory) found.add(memory);
      }
    }
    return found;
  }

  private readonly captures = new Map<ts.Node, ReadonlySet<ts.Symbol>>();

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

  // ---- propagation ----

  private slotOf(key: object): Slot {
    let slot = this.slots.get(key);
    if (!slot) {
      slot = new Slot();
      this.slots.set(key, slot);
    }
    return slot;
  }

  private put(thing: Thing, slot: Slot): void {
    if (slot.things.has(thing)) return;
    slot.things.add(thing);
    this.pending.push([slot, thing]);
  }

  private flow(from: Slot, to: Slot): void {
    if (from === to || from.targets.has(to)) return;
    from.targets.add(to);
    for (const thing of from.things) this.put(thing, to);
  }

  private watch(slot: Slot, seen: (thing: Thing) => void): void {
    slot.watchers.push(seen);
    for (const thing of [...slot.things]) seen(thing);
  }

  private settle(): void {
    for (let next = this.pending.pop(); next; next = this.pending.pop()) {
      const [slot, thing] = next;
      for (const target of slot.targets) this.put(thing, target);
      for (const watcher of slot.watchers) watcher(thing);
    }
  }

  private make(kind: Thing['kind'], node: ts.Node, more: Partial<Thing> = {}): Thing {
    let thing = this.made.get(node);
    if (!thing) {
      thing = { kind, node, ...more };
      this.made.set(node, thing);
    }
    return thing;
  }

  private change(thing: Thing, at: ts.Node): void {
    const places = this.changesOf.get(thing);
    if (places) places.add(at);
    else this.changesOf.set(thing, new Set([at]));
  }

  private field(thing: Thing, name: string): Slot {
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

  // ---- reading and writing properties ----

  private read(thing: Thing, name: string, into: Slot): void {
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

  private readonly prototypes = new Map<Thing, Thing>();

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

  private classChain(owner: ts.Node): ts.ClassLikeDeclaration[] {
    const chain: ts.ClassLikeDeclaration[] = [];
    for (let at: ts.Node | undefined = owner; at && ts.isClassLike(at) && !chain.includes(at); ) {
      chain.push(at);
      const base: ts.Expression | undefined = baseOf(at);
      at = base && this.sources.symbolOf(base)?.valueDeclaration;
    }
    return chain;
  }

  private store(thing: Thing, name: string, value: Slot, at: ts.Node | undefined): void {
    if (thing.kind === 'package') {
      if (at && thing !== this.global) this.globalWrites.push(at);
      if (thing === this.global) this.flow(value, this.field(thing, name));
      return;
    }
    if (thing.kind === 'module') return;
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
    else this.change(thing, at);
  }

  private recordWrite(symbol: ts.Symbol, at: ts.Node): void {
    const places = this.writes.get(symbol);
    if (places) places.add(at);
    else this.writes.set(symbol, new Set([at]));
    const declaration = symbol.valueDeclaration;
    const home = declaration && enclosingFunction(declaration);
    if (declaration && home && enclosingFunction(at) !== home) {
      const memory = this.made.get(symbol) ?? { kind: 'variable' as const, node: declaration };
      this.made.set(symbol, memory);
      this.change(memory, at);
    }
  }

  // ---- statements and declarations ----

  private visit(root: ts.Node): void {
    const walk = (node: ts.Node): void => {
      if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
      ts.forEachChild(node, walk);
      if (ts.isVariableDeclaration(node)) this.declare(node);
      else if (ts.isReturnStatement(node) && node.expression) this.returns(node, node.expression);
      else if (ts.isForOfStatement(node)) this.iterate(node);
      else if (ts.isParameter(node) && node.initializer && ts.isIdentifier(node.name))
        this.flowInto(node.name, this.value(node.initializer));
      else if (ts.isParameter(node) && !ts.isIdentifier(node.name)) this.bind(node.name, this.slotOf(node));
      else if (ts.isPropertyDeclaration(node)) this.declareField(node);
      else if (ts.isExportAssignment(node)) this.exportDefault(node);
      else if (ts.isExpression(node) && !isName(node)) this.value(node);
      if (ts.isArrowFunction(node) && !ts.isBlock(node.body))
        this.flow(this.value(node.body), this.returned(node));
      if (ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) this.named(node);
    };
    walk(root);
  }

  private named(node: ts.FunctionDeclaration | ts.ClassDeclaration): void {
    const symbol = node.name
      ? this.sources.checker.getSymbolAtLocation(node.name)
      : (node as { symbol?: ts.Symbol }).symbol;
    if (symbol) this.put(this.make(ts.isClassLike(node) ? 'class' : 'function', node), this.slotOf(symbol));
  }

  private declare(node: ts.VariableDeclaration): void {
    if (!node.initializer) return;
    this.bind(node.name, this.value(node.initializer));
  }

  private exportDefault(node: ts.ExportAssignment): void {
    const symbol = (node as { symbol?: ts.Symbol }).symbol;
    const value = this.value(node.expression);
    this.flow(value, this.slotOf(node));
    if (symbol) this.flow(value, this.slotOf(symbol));
  }

  private declareField(node: ts.PropertyDeclaration): void {
    const name = propertyName(node.name);
    if (isStaticMember(node)) {
      if (node.initializer) this.flow(this.value(node.initializer), this.slotOf(node));
      return;
    }
    if (!node.initializer || name === undefined) return;
    const value = this.value(node.initializer);
    this.watch(this.thisOf(node), (self) => this.store(self, name, value, undefined));
  }

  private returns(statement: ts.Node, expression: ts.Expression): void {
    const fn = enclosingFunction(statement);
    if (fn) this.flow(this.value(expression), this.returned(fn));
  }

  private iterate(node: ts.ForOfStatement): void {
    const element = this.slotOf(node);
    this.watch(this.value(node.expression), (thing) => this.read(thing, EVERY, element));
    if (ts.isVariableDeclarationList(node.initializer)) {
      for (const declaration of node.initializer.declarations) this.bind(declaration.name, element);
    } else this.assign(node.initializer, element, node);
  }

  /** Gives a name, or each name of a pattern, its part of a value. */
  private bind(name: ts.BindingName, value: Slot): void {
    if (ts.isIdentifier(name)) {
      this.flowInto(name, value);
      return;
    }
    for (const element of name.elements) {
      if (!ts.isBindingElement(element)) continue;
      const part = this.slotOf(element);
      if (element.initializer) this.flow(this.value(element.initializer), part);
      const key =
        ts.isArrayBindingPattern(name) || element.dotDotDotToken
          ? EVERY
          : (propertyName(element.propertyName ?? element.name) ?? EVERY);
      this.watch(value, (thing) => {
        this.read(thing, key, part);
        // Entries of a map are not modelled as pairs: the value may be the thing itself.
        if (ts.isArrayBindingPattern(name)) this.put(thing, part);
      });
      this.bind(element.name, part);
    }
  }

  private flowInto(name: ts.Identifier, value: Slot): void {
    const symbol = this.sources.checker.getSymbolAtLocation(name);
    if (symbol) this.flow(value, this.slotOf(symbol));
  }

  /** An assignment expression's target, or a part of a destructuring one. */
  private assign(target: ts.Expression, value: Slot, at: ts.Node): void {
    const to = strip(target);
    if (ts.isIdentifier(to)) {
      const symbol = this.sources.symbolOf(to);
      if (!symbol) return;
      this.flow(value, this.slotOf(symbol));
      this.recordWrite(symbol, at);
    } else if (ts.isPropertyAccessExpression(to)) this.assignProperty(to.expression, to.name.text, value, at);
    else if (ts.isElementAccessExpression(to))
      this.assignProperty(to.expression, literalName(to.argumentExpression) ?? ANY, value, at);
    else if (ts.isArrayLiteralExpression(to))
      for (const element of to.elements)
        this.assign(ts.isSpreadElement(element) ? element.expression : element, value, at);
    else if (ts.isObjectLiteralExpression(to))
      for (const property of to.properties) {
        if (ts.isShorthandPropertyAssignment(property)) this.assign(property.name, value, at);
        else if (ts.isPropertyAssignment(property)) this.assign(property.initializer, value, at);
      }
    else if (ts.isBinaryExpression(to)) this.assign(to.left, value, at);
  }

  private assignProperty(base: ts.Expression, name: string, value: Slot, at: ts.Node): void {
    if (this.isGlobalObject(base)) this.globalWrites.push(at);
    if (isModuleExportsObject(base)) return;
    const inConstruction = base.kind === ts.SyntaxKind.ThisKeyword && isConstruction(base);
    this.watch(this.value(base), (thing) => this.store(thing, name, value, inConstruction ? undefined : at));
  }

  private isGlobalObject(base: ts.Expression): boolean {
    return GLOBAL_OBJECT.test(base.getText()) && !isDeclared(this.sources.symbolOf(rootOf(base)));
  }

  // ---- expressions ----

  private value(expression: ts.Expression): Slot {
    const node = strip(expression);
    const known = this.slots.get(node);
    if (known) return known;
    const slot = this.slotOf(node);
    this.evaluate(node, slot);
    return slot;
  }

  private evaluate(node: ts.Expression, slot: Slot): void {
    if (ts.isIdentifier(node)) this.evaluateName(node, slot);
    else if (node.kind === ts.SyntaxKind.ThisKeyword || node.kind === ts.SyntaxKind.SuperKeyword)
      this.flow(this.thisOf(node), slot);
    else if (ts.isObjectLiteralExpression(node)) this.evaluateObject(node, slot);
    else if (ts.isArrayLiteralExpression(node)) this.evaluateArray(node, slot);
    else if (ts.isArrowFunction(node) || ts.isFunctionExpression(node))
      this.put(this.make('function', node), slot);
    else if (ts.isClassExpression(node)) this.put(this.make('class', node), slot);
    else if (ts.isPropertyAccessExpression(node)) this.evaluateProperty(node, slot);
    else if (ts.isElementAccessExpression(node)) {
      const name = literalName(node.argumentExpression) ?? EVERY;
      this.watch(this.value(node.expression), (thing) => this.read(thing, name, slot));
    } else if (ts.isConditionalExpression(node)) {
      this.flow(this.value(node.whenTrue), slot);
      this.flow(this.value(node.whenFalse), slot);
    } else if (ts.isBinaryExpression(node)) this.evaluateBinary(node, slot);
    else if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
      if (node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken)
        this.assign(node.operand, new Slot(), node);
    } else if (ts.isDeleteExpression(node)) this.assign(node.expression, new Slot(), node);
    else if (ts.isYieldExpression(node) && node.expression) {
      this.flow(this.value(node.expression), slot);
      this.returns(node, node.expression);
    } else if (ts.isNewExpression(node)) this.evaluateNew(node, slot);
    else if (ts.isCallExpression(node)) this.evaluateCall(node, slot);
    else if (ts.isTaggedTemplateExpression(node)) this.value(node.tag);
    else if (ts.isSpreadElement(node))
      this.watch(this.value(node.expression), (thing) => this.read(thing, EVERY, slot));
  }

  private evaluateName(node: ts.Identifier, slot: Slot): void {
    const symbol = this.sources.symbolOf(node);
    if (!symbol || !isDeclared(symbol)) {
      if (/^(?:globalThis|global)$/.test(node.text)) this.put(this.global, slot);
      return;
    }
    const from = this.sources.externalOf(node);
    if (from) {
      this.put(this.packageThing(from, node), slot);
      return;
    }
    if (symbol.flags & ts.SymbolFlags.ValueModule) {
      const file = symbol.valueDeclaration;
      if (file) this.put(this.make('module', file), slot);
      return;
    }
    this.flow(this.slotOf(symbol), slot);
  }

  private readonly packages = new Map<string, Thing>();

  private packageThing(from: ExternalName, node: ts.Node): Thing {
    const key = `${from.module} ${from.name}`;
    const known = this.packages.get(key) ?? { kind: 'package' as const, node, from };
    this.packages.set(key, known);
    return known;
  }

  private evaluateObject(node: ts.ObjectLiteralExpression, slot: Slot): void {
    const thing = this.make('collection', node);
    this.put(thing, slot);
    for (const property of node.properties) {
      if (ts.isSpreadAssignment(property)) {
        this.watch(this.value(property.expression), (source) =>
          this.read(source, EVERY, this.field(thing, ANY)),
        );
        continue;
      }
      const name = propertyName(property.name) ?? ANY;
      if (ts.isPropertyAssignment(property))
        this.flow(this.value(property.initializer), this.field(thing, name));
      else if (ts.isShorthandPropertyAssignment(property)) {
        const symbol = this.sources.symbolOf(property.name);
        if (symbol) this.flow(this.nameSlot(property.name), this.field(thing, name));
      } else if (ts.isMethodDeclaration(property))
        this.put(this.make('function', property), this.field(thing, name));
      else if (ts.isGetAccessorDeclaration(property))
        this.flow(this.returned(property), this.field(thing, name));
      const fn = ts.isPropertyAssignment(property) ? strip(property.initializer) : property;
      if (ts.isFunctionLike(fn) && !ts.isArrowFunction(fn)) this.put(thing, this.slotOf(thisKey(fn)));
    }
  }

  private nameSlot(name: ts.Identifier): Slot {
    const known = this.slots.get(name);
    if (known) return known;
    const slot = this.slotOf(name);
    this.evaluateName(name, slot);
    return slot;
  }

  private evaluateArray(node: ts.ArrayLiteralExpression, slot: Slot): void {
    const thing = this.make('collection', node);
    this.put(thing, slot);
    for (const element of node.elements) this.flow(this.value(element), this.field(thing, ANY));
  }

  private evaluateProperty(node: ts.PropertyAccessExpression, slot: Slot): void {
    const member = this.isGlobalObject(node.expression) ? undefined : this.sources.symbolOf(node);
    if (member) {
      this.flow(this.slotOf(member), slot);
      return;
    }
    this.watch(this.value(node.expression), (thing) => this.read(thing, node.name.text, slot));
  }

  private evaluateBinary(node: ts.BinaryExpression, slot: Slot): void {
    const operator = node.operatorToken.kind;
    if (operator >= ts.SyntaxKind.FirstAssignment && operator <= ts.SyntaxKind.LastAssignment) {
      const right = this.value(node.right);
      this.flow(right, slot);
      if (operator !== ts.SyntaxKind.EqualsToken) this.flow(this.value(node.left), slot);
      this.assign(node.left, right, node);
    } else if (
      operator === ts.SyntaxKind.BarBarToken ||
      operator === ts.SyntaxKind.QuestionQuestionToken ||
      operator === ts.SyntaxKind.AmpersandAmpersandToken
    ) {
      this.flow(this.value(node.left), slot);
      this.flow(this.value(node.right), slot);
    } else if (operator === ts.SyntaxKind.CommaToken) this.flow(this.value(node.right), slot);
  }

  // ---- calls ----

  private returned(fn: ts.Node): Slot {
    return this.slotOf(returnKey(fn));
  }

  /** The value of `this` in the code around a node: one for all instances of a class. */
  private thisOf(node: ts.Node): Slot {
    for (let at: ts.Node = node; at; at = at.parent) {
      if (ts.isClassLike(at.parent ?? at) && ts.isClassElement(at)) {
        const owner = at.parent as ts.ClassLikeDeclaration;
        const slot = this.slotOf(thisKey(isStaticMember(at) ? staticKey(owner) : owner));
        if (isStaticMember(at)) this.put(this.make('class', owner), slot);
        return slot;
      }
      if (ts.isFunctionLike(at) && !ts.isArrowFunction(at)) return this.slotOf(thisKey(at));
    }
    return new Slot();
  }

  private passTo(fn: Fn, index: number, value: Slot): void {
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

  private passAll(fn: Fn, args: readonly ts.Expression[]): void {
    args.forEach((argument, index) => {
      const value = this.value(argument);
      if (!ts.isSpreadElement(argument)) this.passTo(fn, index, value);
      else
        for (let at = index; at < Math.max(fn.parameters.length, index + 1); at++) this.passTo(fn, at, value);
    });
  }

  private evaluateNew(node: ts.NewExpression, slot: Slot): void {
    const args = node.arguments ?? [];
    const name = node.expression.getText();
    if (/^(?:Weak)?(?:Map|Set)$|^(?:Array|Object)$/.test(name) && !this.sources.symbolOf(node.expression)) {
      const thing = this.make('collection', node);
      this.put(thing, slot);
      for (const argument of args) this.fill(thing, this.value(argument), name === 'Map' ? 2 : 1);
      return;
    }
    if (name === 'Proxy' && args[0]) return this.flow(this.value(args[0]), slot);
    if (!this.sources.symbolOf(node.expression) && IMMUTABLE_GLOBALS.has(name.split('.')[0] ?? '')) return;
    const values = args.map((argument) => this.value(argument));
    this.watch(this.value(node.expression), (thing) => {
      if (thing.kind === 'class') this.construct(thing.node as ts.ClassLikeDeclaration, node, args, slot);
      else if (thing.kind === 'function') {
        const instance = this.make('instance', node, { owner: thing.node });
        this.put(instance, this.slotOf(thisKey(thing.node)));
        this.put(instance, slot);
        this.passAll(thing.node as Fn, args);
      } else if (thing.kind === 'package' || thing.kind === 'external')
        this.external(node, thing.from!, values, slot);
    });
  }

  /** Elements of a collection's argument: `new Map(entries)`, `Array.from(items)`. */
  private fill(thing: Thing, from: Slot, depth: number): void {
    this.watch(from, (source) => {
      const elements = new Slot();
      this.read(source, EVERY, elements);
      this.flow(elements, this.field(thing, ANY));
      if (depth > 1) this.fill(thing, elements, depth - 1);
    });
  }

  private construct(
    owner: ts.ClassLikeDeclaration,
    node: ts.Node,
    args: readonly ts.Expression[],
    slot: Slot,
  ): void {
    const instance = this.make('instance', node, { owner });
    this.put(instance, slot);
    for (const one of this.classChain(owner)) this.put(instance, this.slotOf(thisKey(one)));
    this.passToConstructor(owner, args);
    const outermost = this.classChain(owner).at(-1)!;
    const base = baseOf(outermost);
    const from = base && this.sources.externalOf(base);
    if (from && (/^(?:node:)?events$/.test(from.module) || from.name === 'EventEmitter'))
      this.change(instance, base);
  }

  private passToConstructor(owner: ts.ClassLikeDeclaration, args: readonly ts.Expression[]): void {
    for (const one of this.classChain(owner)) {
      const made = one.members.find((member) => ts.isConstructorDeclaration(member) && member.body);
      if (!made) continue;
      const fn = made as ts.ConstructorDeclaration;
      this.passAll(fn, args);
      for (const parameter of fn.parameters)
        if (ts.isParameterPropertyDeclaration(parameter, fn) && ts.isIdentifier(parameter.name)) {
          const symbol = this.sources.checker.getSymbolsOfParameterPropertyDeclaration(
            parameter,
            parameter.name.text,
          )[0];
          const value = symbol && this.slotOf(symbol);
          const name = parameter.name.text;
          const known = this.sources.checker.getSymbolAtLocation(parameter.name);
          this.watch(this.thisOf(fn), (self) => {
            if (value) this.store(self, name, value, undefined);
            if (known) this.store(self, name, this.slotOf(known), undefined);
          });
        }
      return;
    }
  }

  /** What a package makes: it may keep all it was given, and it is of one kind with what it was made from. */
  private external(node: ts.Node, from: ExternalName, args: readonly Slot[], slot: Slot): void {
    const thing = this.make('external', node, { from });
    this.put(thing, slot);
    if (!isShareablePackage(from.module))
      for (const argument of args) this.flow(argument, this.field(thing, ANY));
  }

  private evaluateCall(node: ts.CallExpression, slot: Slot): void {
    const callee = strip(node.expression);
    const args = node.arguments;
    const values = args.map((argument) => this.value(argument));
    if (this.loadsModule(node, slot)) return;
    if (callee.kind === ts.SyntaxKind.SuperKeyword) return this.callSuper(node);
    if (ts.isPropertyAccessExpression(callee) && this.callGlobal(node, callee, values, slot)) return;
    const receiver = ts.isPropertyAccessExpression(callee) ? this.value(callee.expression) : undefined;
    this.watch(this.value(callee), (thing) => {
      if (thing.kind === 'function') {
        this.recordCall(thing.node, node);
        this.apply(thing.node as Fn, receiver, args, slot);
      } else if (thing.kind === 'package') this.external(node, thing.from!, values, slot);
      else if (thing.kind === 'external' && !receiver) this.external(node, thing.from!, values, slot);
      else if (thing.kind === 'class')
        this.construct(thing.node as ts.ClassLikeDeclaration, node, args, slot);
    });
    if (receiver && ts.isPropertyAccessExpression(callee)) {
      const method = callee.name.text;
      this.watch(receiver, (thing) => this.callMethod(node, thing, method, values, slot));
    }
  }

  private recordCall(fn: ts.Node, call: ts.Node): void {
    const calls = this.calls.get(fn);
    if (calls) calls.add(call);
    else this.calls.set(fn, new Set([call]));
  }

  private apply(fn: Fn, receiver: Slot | undefined, args: readonly ts.Expression[], slot: Slot): void {
    this.passAll(fn, args);
    if (receiver && !ts.isArrowFunction(fn) && !ts.isClassElement(fn))
      this.flow(receiver, this.slotOf(thisKey(fn)));
    this.flow(this.returned(fn), slot);
  }

  private callSuper(node: ts.CallExpression): void {
    const owner = ownerOf(node);
    const base = owner && baseOf(owner);
    const declaration = base && this.sources.symbolOf(base)?.valueDeclaration;
    if (declaration && ts.isClassLike(declaration)) this.passToConstructor(declaration, node.arguments);
  }

  /** Methods of arrays, maps, sets, promises and functions, and those of packages' objects. */
  private callMethod(
    node: ts.CallExpression,
    thing: Thing,
    method: string,
    args: readonly Slot[],
    slot: Slot,
  ): void {
    if (thing.kind === 'external') {
      this.external(node, thing.from!, args, slot);
      if (isShareablePackage(thing.from!.module)) return;
      if (CHANGES_OBJECT.test(method)) {
        this.change(thing, node);
        for (const argument of args) this.flow(argument, this.field(thing, ANY));
      }
      return;
    }
    if (/^(?:then|catch|finally)$/.test(method)) {
      const itself = new Slot();
      this.put(thing, itself);
      this.callBack(args, [itself], slot);
      this.put(thing, slot);
      return;
    }
    if (thing.kind === 'function') return this.callFunctionMethod(thing, method, args, slot);
    if (thing.kind !== 'collection' || this.hasOwn(thing, method)) return;
    const elements = this.field(thing, EVERY);
    if (CHANGES_COLLECTION.has(method)) {
      this.change(thing, node);
      for (const argument of args) this.flow(argument, this.field(thing, ANY));
      this.put(thing, slot);
    }
    if (CALLS_BACK.has(method)) this.callBack(args, [elements, elements], this.elementsOf(node, slot));
    if (RETURNS_ELEMENTS.has(method)) {
      this.flow(elements, slot);
      this.flow(elements, this.elementsOf(node, slot));
    }
    if (method === 'next') this.put(thing, slot);
  }

  /** The elements of the array that a call makes, put into its value. */
  private elementsOf(node: ts.CallExpression, slot: Slot): Slot {
    const made = this.make('collection', node);
    this.put(made, slot);
    return this.field(made, ANY);
  }

  private hasOwn(thing: Thing, method: string): boolean {
    const own = this.fields.get(thing)?.get(method);
    return own !== undefined && [...own.things].some((one) => one.kind === 'function');
  }

  private callFunctionMethod(fn: Thing, method: string, args: readonly Slot[], slot: Slot): void {
    if (!/^(?:call|apply|bind)$/.test(method)) return;
    const [self, ...rest] = args;
    const node = fn.node as Fn;
    if (self && !ts.isArrowFunction(node) && !ts.isClassElement(node))
      this.flow(self, this.slotOf(thisKey(node)));
    rest.forEach((value, index) => {
      if (method !== 'apply') this.passTo(node, index, value);
      else
        this.watch(value, (list) => {
          for (let at = 0; at < node.parameters.length; at++) this.passTo(node, at, this.field(list, EVERY));
        });
    });
    if (method === 'bind') this.put(fn, slot);
    else this.flow(this.returned(node), slot);
  }

  /** Calls the functions among the arguments with what a collection or promise gives them. */
  private callBack(args: readonly Slot[], given: readonly Slot[], result: Slot): void {
    for (const argument of args)
      this.watch(argument, (thing) => {
        if (thing.kind !== 'function') return;
        given.forEach((value, index) => {
          this.passTo(thing.node as Fn, index, value);
        });
        this.flow(this.returned(thing.node), result);
      });
  }

  /** `Object.assign`, `Array.from`, `Promise.all`, … */
  private callGlobal(
    node: ts.CallExpression,
    callee: ts.PropertyAccessExpression,
    args: readonly Slot[],
    slot: Slot,
  ): boolean {
    if (!ts.isIdentifier(callee.expression) || this.sources.symbolOf(callee.expression)) return false;
    const [first, ...others] = args;
    const name = callee.getText();
    if (/^process\.(?:chdir|umask|setuid|setgid)$/.test(name) && args.length > 0)
      this.globalWrites.push(node);
    if (!first) return false;
    if (
      /^(?:Object\.(?:assign|defineProperty|defineProperties|setPrototypeOf)|Reflect\.(?:set|defineProperty|deleteProperty))$/.test(
        name,
      )
    ) {
      if (this.isGlobalObject(node.arguments[0]!)) this.globalWrites.push(node);
      this.flow(first, slot);
      this.watch(first, (thing) => {
        this.change(thing, node);
        for (const other of others)
          this.watch(other, (source) => {
            this.read(source, EVERY, this.field(thing, ANY));
            if (name !== 'Object.assign') this.put(source, this.field(thing, ANY));
          });
      });
    } else if (/^(?:Object\.(?:freeze|seal|preventExtensions)|Promise\.resolve)$/.test(name))
      this.flow(first, slot);
    else if (
      /^(?:Object\.(?:values|entries|fromEntries|create)|Array\.(?:from|of)|Promise\.(?:all|allSettled|any|race))$/.test(
        name,
      )
    ) {
      const made = this.make('collection', node);
      this.put(made, slot);
      this.fill(made, first, 2);
      this.callBack(others, [this.field(made, EVERY)], this.field(made, ANY));
      if (/^Promise\.(?:any|race)$/.test(name)) this.flow(this.field(made, ANY), slot);
    } else return false;
    return true;
  }

  /** `require('./x')`, `await import('./x')`. */
  private loadsModule(node: ts.CallExpression, slot: Slot): boolean {
    const isLoad =
      node.expression.kind === ts.SyntaxKind.ImportKeyword ||
      (ts.isIdentifier(node.expression) && node.expression.text === 'require');
    const specifier = node.arguments[0];
    if (!isLoad || !specifier || !ts.isStringLiteralLike(specifier)) return isLoad;
    const path = this.sources.resolver.resolve(this.sources.pathOf(node), specifier.text);
    const file = path === undefined ? undefined : this.sources.files.get(path);
    if (file && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      this.put(this.make('module', node, { node: file, isLoadedLater: true }), slot);
    else if (file) this.put(this.make('module', file), slot);
    else this.put(this.packageThing({ module: specifier.text, name: '*' }, node), slot);
    return true;
  }

  private readonly exported = new Map<ts.SourceFile, ReadonlyMap<string, ts.Symbol>>();

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
}

/** Does the project declare the name? In JavaScript, `global.x = …` gives `global` a symbol too. */
const isDeclared = (symbol: ts.Symbol | undefined): boolean =>
  symbol?.declarations?.some(
    (declaration) =>
      !ts.isExpression(declaration) || ts.isFunctionLike(declaration) || ts.isClassLike(declaration),
  ) ?? false;

const RETURNS_ELEMENTS = new Set([
  'get',
  'find',
  'findLast',
  'at',
  'pop',
  'shift',
  'values',
  'entries',
  'slice',
  'concat',
  'filter',
  'splice',
  'flat',
  'flatMap',
  'sort',
  'reverse',
  'toSorted',
  'toReversed',
  'with',
  'reduce',
  'reduceRight',
]);

/** What every module of the process can see. */
const GLOBAL_OBJECT = /^(?:globalThis|global|process\.env|process)$/;

const thisKeys = new WeakMap<object, object>();
const staticKeys = new WeakMap<object, object>();
const returnKeys = new WeakMap<object, object>();
const keyIn =
  (keys: WeakMap<object, object>) =>
  (node: object): object => {
    const known = keys.get(node) ?? {};
    keys.set(node, known);
    return known;
  };
const thisKey = keyIn(thisKeys);
const staticKey = keyIn(staticKeys);
const returnKey = keyIn(returnKeys);

/** Strips what does not change the value: parentheses, casts, `!`, `await`. */
function strip(expression: ts.Expression): ts.Expression {
  let at = expression;
  while (
    ts.isParenthesizedExpression(at) ||
    ts.isAwaitExpression(at) ||
    ts.isAsExpression(at) ||
    ts.isNonNullExpression(at) ||
    ts.isSatisfiesExpression(at) ||
    ts.isTypeAssertionExpression(at)
  )
    at = at.expression;
  return at;
}

const literalName = (node: ts.Expression): string | undefined =>
  ts.isStringLiteralLike(node) ? node.text : undefined;

function propertyName(name: ts.Node): string | undefined {
  if (ts.isIdentifier(name) || ts.isPrivateIdentifier(name) || ts.isStringLiteralLike(name)) return name.text;
  if (ts.isComputedPropertyName(name)) return literalName(name.expression);
  return undefined;
}

/** A name that is not evaluated, as of a property: asking for its symbol would make the checker infer types. */
const isName = (node: ts.Node): boolean => (node.parent as { name?: ts.Node }).name === node;

const isStaticMember = (member: ts.Node): boolean =>
  ts.isClassStaticBlockDeclaration(member) ||
  (ts.canHaveModifiers(member) &&
    (member.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.StaticKeyword) ?? false));

const staticField = (owner: ts.ClassLikeDeclaration, name: string): ts.PropertyDeclaration | undefined =>
  owner.members.find(
    (member): member is ts.PropertyDeclaration =>
      ts.isPropertyDeclaration(member) && isStaticMember(member) && propertyName(member.name) === name,
  );

const baseOf = (owner: ts.ClassLikeDeclaration): ts.Expression | undefined =>
  owner.heritageClauses?.find((clause) => clause.token === ts.SyntaxKind.ExtendsKeyword)?.types[0]
    ?.expression;

function ownerOf(node: ts.Node): ts.ClassLikeDeclaration | undefined {
  for (let at = node.parent; at; at = at.parent) if (ts.isClassLike(at)) return at;
  return undefined;
}

/** Does the node run while its instance is made: in a constructor, not in a function that is called later? */
function isConstruction(node: ts.Node): boolean {
  for (let at = node.parent; at; at = at.parent) {
    if (ts.isConstructorDeclaration(at)) return true;
    if (ts.isFunctionLike(at)) return false;
  }
  return false;
}

const isModuleExportsObject = (base: ts.Expression): boolean =>
  /^(?:module|exports|module\.exports)$/.test(base.getText());
