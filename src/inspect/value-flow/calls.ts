import { IMMUTABLE_GLOBALS } from '../packages.js';
import { ts, unwrap } from '../source.js';
import { BuiltIns } from './built-ins.js';
import type { Expressions } from './expressions.js';
import type { Heap } from './heap.js';
import { Slot } from './propagation.js';
import { baseOf, globalName, ownerOf } from './syntax.js';
import { ANY, type Fn } from './thing.js';

/** What calls and constructions pass, run and give back. */
export class Calls {
  private readonly builtIns: BuiltIns;

  constructor(
    private readonly heap: Heap,
    private readonly expressions: Expressions,
  ) {
    this.builtIns = new BuiltIns(heap);
  }

  evaluateCall(node: ts.CallExpression, slot: Slot): void {
    const callee = unwrap(node.expression);
    const args = node.arguments;
    const values = args.map((argument) => this.expressions.value(argument));
    if (this.loadsModule(node, slot)) return;
    if (callee.kind === ts.SyntaxKind.SuperKeyword) return this.callSuper(node);
    if (ts.isPropertyAccessExpression(callee) && this.builtIns.callGlobal(node, callee, values, slot)) return;
    if (this.makesValue(callee)) this.heap.put(this.heap.opaque(node), slot);
    const receiver = ts.isPropertyAccessExpression(callee)
      ? this.expressions.value(callee.expression)
      : undefined;
    this.heap.watch(this.expressions.value(callee), (thing) => {
      if (thing.kind === 'function') {
        this.heap.recordCall(thing.node, node);
        this.apply(thing.node as Fn, node, receiver, args, slot);
      } else if (thing.kind === 'package') {
        if (!receiver) this.builtIns.callPackage(node, thing);
        this.builtIns.external(node, thing.from!, values, slot);
      } else if (thing.kind === 'external' && !receiver)
        this.builtIns.external(node, thing.from!, values, slot);
      else if (thing.kind === 'class')
        this.construct(thing.node as ts.ClassLikeDeclaration, node, args, slot);
    });
    if (receiver && ts.isPropertyAccessExpression(callee))
      this.builtIns.callMethod(node, receiver, callee.name.text, values, slot);
  }

  /** Does the language or the environment make the result: `JSON.parse(text)`, `text.split(',')`? */
  private makesValue(callee: ts.Expression): boolean {
    if (globalName(this.heap.sources, callee) !== undefined) return true;
    return ts.isPropertyAccessExpression(callee) && /^(?:split|match|matchAll)$/.test(callee.name.text);
  }

  private apply(
    fn: Fn,
    node: ts.Node,
    receiver: Slot | undefined,
    args: readonly ts.Expression[],
    slot: Slot,
  ): void {
    this.passAll(fn, args);
    if (receiver) this.heap.passReceiver(fn, receiver);
    if (!fn.asteriskToken) return this.heap.flow(this.heap.returned(fn), slot);
    const generator = this.heap.make('collection', node);
    this.heap.put(generator, slot);
    this.heap.flow(this.heap.returned(fn), this.heap.field(generator, ANY));
  }

  /** `` tag`…${value}` `` */
  evaluateTagged(node: ts.TaggedTemplateExpression, slot: Slot): void {
    const given = ts.isTemplateExpression(node.template)
      ? node.template.templateSpans.map((span) => this.expressions.value(span.expression))
      : [];
    this.heap.watch(this.expressions.value(node.tag), (thing) => {
      if (thing.kind === 'function') {
        this.heap.recordCall(thing.node, node);
        given.forEach((value, index) => {
          this.heap.passTo(thing.node as Fn, index + 1, value);
        });
        this.heap.flow(this.heap.returned(thing.node), slot);
      } else if (thing.kind === 'package' || thing.kind === 'external')
        this.builtIns.external(node, thing.from!, given, slot);
    });
  }

  private passAll(fn: Fn, args: readonly ts.Expression[]): void {
    args.forEach((argument, index) => {
      const value = this.expressions.value(argument);
      if (!ts.isSpreadElement(argument)) this.heap.passTo(fn, index, value);
      else
        for (let at = index; at < Math.max(fn.parameters.length, index + 1); at++)
          this.heap.passTo(fn, at, value);
    });
  }

  /** `require('./x')`, `await import('./x')`. */
  private loadsModule(node: ts.CallExpression, slot: Slot): boolean {
    const isLoad =
      node.expression.kind === ts.SyntaxKind.ImportKeyword ||
      (ts.isIdentifier(node.expression) && node.expression.text === 'require');
    const specifier = node.arguments[0];
    if (!isLoad || !specifier || !ts.isStringLiteralLike(specifier)) return isLoad;
    const { sources } = this.heap;
    const path = sources.resolver.resolve(sources.pathOf(node), specifier.text);
    const file = path === undefined ? undefined : sources.files.get(path);
    if (file && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      this.heap.put(this.heap.make('module', node, { node: file, isPassedOn: true }), slot);
    else if (file) this.heap.put(this.heap.make('module', file), slot);
    else this.heap.put(this.heap.packageThing({ module: specifier.text, name: '*' }, node), slot);
    return true;
  }

  /** `@log`, `@log('a')`: the function is given the class, and the descriptor of what it decorates. */
  decorate(node: ts.Decorator): void {
    const owner = ts.isClassLike(node.parent) ? node.parent : ownerOf(node.parent);
    const target = this.heap.slotOf(node);
    if (owner) this.heap.put(this.heap.make('class', owner), target);
    const descriptor = new Slot();
    this.heap.put(this.heap.opaque(node), descriptor);
    this.heap.watch(this.expressions.value(node.expression), (thing) => {
      if (thing.kind !== 'function') return;
      this.heap.recordCall(thing.node, node);
      this.heap.passTo(thing.node as Fn, 0, target);
      this.heap.passTo(thing.node as Fn, 2, descriptor);
    });
  }

  // ---- constructions ----

  evaluateNew(node: ts.NewExpression, slot: Slot): void {
    const args = node.arguments ?? [];
    const name = node.expression.getText();
    const symbol = this.heap.sources.symbolOf(node.expression);
    if (/^(?:Weak)?(?:Map|Set)$|^(?:Array|Object)$/.test(name) && !symbol) {
      const thing = this.heap.make('collection', node, { isList: name !== 'Object' });
      this.heap.put(thing, slot);
      for (const argument of args)
        this.builtIns.fill(thing, this.expressions.value(argument), name === 'Map' ? 2 : 1);
      return;
    }
    if (name === 'Proxy' && args[0]) return this.heap.flow(this.expressions.value(args[0]), slot);
    if (name === 'RegExp' && !symbol) {
      const flags = args[1];
      if (flags && (!ts.isStringLiteralLike(flags) || /[gy]/.test(flags.text)))
        this.heap.put(this.heap.make('collection', node), slot);
      return;
    }
    if (!symbol && ts.isIdentifier(node.expression)) {
      if (!IMMUTABLE_GLOBALS.has(name)) this.heap.put(this.heap.opaque(node), slot);
      return;
    }
    const values = args.map((argument) => this.expressions.value(argument));
    this.heap.watch(this.expressions.value(node.expression), (thing) => {
      if (thing.kind === 'class') this.construct(thing.node as ts.ClassLikeDeclaration, node, args, slot);
      else if (thing.kind === 'function') {
        const instance = this.heap.make('instance', node, { owner: thing.node });
        this.heap.put(instance, this.heap.selfOf(thing.node));
        this.heap.put(instance, slot);
        this.passAll(thing.node as Fn, args);
      } else if (thing.kind === 'package' || thing.kind === 'external')
        this.builtIns.external(node, thing.from!, values, slot);
    });
  }

  private construct(
    owner: ts.ClassLikeDeclaration,
    node: ts.Node,
    args: readonly ts.Expression[],
    slot: Slot,
  ): void {
    const chain = this.heap.classChain(owner);
    const instance = this.heap.make('instance', node, { owner });
    this.heap.put(instance, slot);
    for (const one of chain) this.heap.put(instance, this.heap.selfOf(one));
    this.passToConstructor(owner, args);
    const base = baseOf(chain.at(-1)!);
    const from = base && this.heap.sources.externalOf(base);
    if (from && (/^(?:node:)?events$/.test(from.module) || from.name === 'EventEmitter'))
      this.heap.recordChange(instance, base);
  }

  private callSuper(node: ts.CallExpression): void {
    const owner = ownerOf(node);
    const base = owner && baseOf(owner);
    const declaration = base && this.heap.sources.symbolOf(base)?.valueDeclaration;
    if (declaration && ts.isClassLike(declaration)) this.passToConstructor(declaration, node.arguments);
  }

  private passToConstructor(owner: ts.ClassLikeDeclaration, args: readonly ts.Expression[]): void {
    for (const one of this.heap.classChain(owner)) {
      const made = one.members.find((member) => ts.isConstructorDeclaration(member) && member.body);
      if (!made) continue;
      const fn = made as ts.ConstructorDeclaration;
      this.passAll(fn, args);
      for (const parameter of fn.parameters) this.keepAsProperty(fn, parameter);
      return;
    }
  }

  /** `constructor(private store: Store)`. */
  private keepAsProperty(fn: ts.ConstructorDeclaration, parameter: ts.ParameterDeclaration): void {
    if (!ts.isParameterPropertyDeclaration(parameter, fn) || !ts.isIdentifier(parameter.name)) return;
    const { checker } = this.heap.sources;
    const name = parameter.name.text;
    const symbol = checker.getSymbolsOfParameterPropertyDeclaration(parameter, name)[0];
    const value = symbol && this.heap.slotOf(symbol);
    const known = checker.getSymbolAtLocation(parameter.name);
    this.heap.watch(this.heap.thisOf(fn), (self) => {
      if (value) this.heap.store(self, name, value, undefined);
      if (known) this.heap.store(self, name, this.heap.slotOf(known), undefined);
    });
  }
}
