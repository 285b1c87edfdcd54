import { changesConnection } from '../database-connection.js';
import {
  CALLS_BACK,
  CHANGES_COLLECTION,
  changesPackage,
  changesPackagesObject,
  isContextModule,
  isShareablePackage,
} from '../packages.js';
import { type ExternalName, isInside, ts } from '../source.js';
import type { Heap } from './heap.js';
import { Slot } from './propagation.js';
import { isConstruction, isGlobalObject, isPattern } from './syntax.js';
import { ANY, EACH, EVERY, type Fn, KEY, type Thing } from './thing.js';

/** What the methods of collections, promises and functions do, the functions of the language, and packages. */
export class BuiltIns {
  /** What the calls below `context.run(store, …)` get of a context. */
  private readonly stores = new Map<Thing, Slot>();

  constructor(private readonly heap: Heap) {}

  /** What a package makes: it may keep all it was given, and it is of one kind with what it was made from. */
  external(node: ts.Node, from: ExternalName, args: readonly Slot[], slot: Slot): void {
    const thing = this.heap.make('external', node, { from });
    this.heap.put(thing, slot);
    if (!isShareablePackage(from.module)) this.keep(thing, args);
  }

  /** Puts values into a thing under names that are not known. */
  private keep(thing: Thing, values: readonly Slot[]): void {
    for (const value of values) this.heap.flow(value, this.heap.field(thing, ANY));
  }

  /** Puts what a collection's method was given into it: `map.set(key, value)`, `list.push(value)`. */
  private keepIn(thing: Thing, method: string, args: readonly Slot[]): void {
    const [key, value] = args;
    if (method !== 'set' || !key || !value) return this.keep(thing, args);
    this.heap.flow(key, this.heap.field(thing, KEY));
    this.keep(thing, [value]);
  }

  /** Methods of arrays, maps, sets, promises and functions, and those of packages' objects. */
  callMethod(
    node: ts.CallExpression,
    receiver: Slot,
    method: string,
    args: readonly Slot[],
    slot: Slot,
  ): void {
    if (FOLDS.test(method)) this.fold(args, this.heap.read(receiver, EACH), slot);
    const isOfFunction = OF_FUNCTION.test(method);
    const ofCollection = this.collectionMethod(node, method, args, slot);
    const settled = OF_PROMISE.test(method) ? this.settledValue(args, slot) : undefined;
    this.heap.watch(receiver, (thing) => {
      if (thing.kind === 'package') this.callPackage(node, thing, method);
      else if (thing.kind === 'external') this.callExternal(node, thing, method, args, slot);
      else if (settled) settled(thing);
      else if (thing.kind === 'function' && isOfFunction) this.callFunctionMethod(thing, method, args, slot);
      else if (thing.kind === 'collection' && ofCollection && !this.heap.hasOwn(thing, method))
        ofCollection(thing);
    });
  }

  /** Calls a function of a package, by its name. */
  callPackage(node: ts.CallExpression, { from }: Thing, name = from?.name ?? ''): void {
    if (from && node.arguments.length > 0 && changesPackage(from.module, name))
      this.heap.packageSettings.add(node);
  }

  private callExternal(
    node: ts.CallExpression,
    thing: Thing,
    method: string,
    args: readonly Slot[],
    slot: Slot,
  ): void {
    this.external(node, thing.from!, args, slot);
    const { module } = thing.from!;
    if (isContextModule(module)) return this.callContext(thing, method, args, slot);
    if (
      changesPackagesObject(module, method, args.length) ||
      changesConnection(this.heap.sources, thing, node, method)
    ) {
      this.heap.recordChange(thing, node);
      this.keep(thing, args);
    }
    if (FINDS.has(method) && !isShareablePackage(module)) this.heap.put(thing, slot);
  }

  /** `context.run(store, …)` keeps nothing: its store is that of the calls below it, and of no other. */
  private callContext(context: Thing, method: string, [store]: readonly Slot[], slot: Slot): void {
    const stored = this.stores.get(context) ?? new Slot();
    this.stores.set(context, stored);
    if (method === 'getStore') this.heap.flow(stored, slot);
    else if (store) this.heap.flow(store, stored);
  }

  /** `then`, `catch`, `finally`: a promise of a thing is the thing itself. */
  private settledValue(args: readonly Slot[], slot: Slot): (thing: Thing) => void {
    let settled: Slot | undefined;
    return (thing) => {
      if (!settled) {
        settled = new Slot();
        this.callBack(args, [settled], slot);
        this.heap.flow(settled, slot);
      }
      this.heap.put(thing, settled);
    };
  }

  /** What a method of arrays, maps, sets and expressions does to each that it is called on; undefined if it is none. */
  private collectionMethod(
    node: ts.CallExpression,
    method: string,
    args: readonly Slot[],
    slot: Slot,
  ): ((thing: Thing) => void) | undefined {
    const searches = SEARCHES.test(method);
    const isNext = method === 'next';
    const changes = CHANGES_COLLECTION.has(method) || /^set[A-Z]/.test(method);
    const callsBack = CALLS_BACK.has(method) && !FOLDS.test(method);
    const returnsElement = RETURNS_ELEMENT.has(method);
    const returnsElements = RETURNS_ELEMENTS.has(method);
    if (!searches && !isNext && !changes && !callsBack && !returnsElement && !returnsElements)
      return undefined;
    const called = new Slot();
    let isCalled = false;
    return (thing) => {
      if (isPattern(thing.node)) {
        if (searches && leavesPosition(node)) this.heap.recordChange(thing, node);
        return;
      }
      if (changes || isNext) this.heap.recordChange(thing, node);
      if (changes && !TAKES_OUT.test(method)) this.keepIn(thing, method, args);
      this.heap.put(thing, called);
      if (isCalled) return;
      isCalled = true;
      if (changes || isNext) this.heap.flow(called, slot);
      if (!callsBack && !returnsElement && !returnsElements) return;
      const elements = this.heap.read(called, method === 'get' ? ANY : EACH);
      if (callsBack) this.callBack(args, [elements, elements], this.elementsOf(node, slot));
      if (returnsElement) this.heap.flow(elements, slot);
      if (returnsElements) this.heap.flow(elements, this.elementsOf(node, slot));
    };
  }

  /** `reduce((made, element) => …, initial)`: what is made starts as the initial value, or else as an element. */
  private fold([callback, initial]: readonly Slot[], elements: Slot, slot: Slot): void {
    const made = new Slot();
    this.heap.flow(initial ?? elements, made);
    if (callback) this.callBack([callback], [made, elements], made);
    this.heap.flow(made, slot);
  }

  /** The elements of the array that a call makes, put into its value. */
  private elementsOf(node: ts.CallExpression, slot: Slot): Slot {
    const made = this.heap.make('collection', node, { isList: true });
    this.heap.put(made, slot);
    return this.heap.field(made, ANY);
  }

  private callFunctionMethod(fn: Thing, method: string, args: readonly Slot[], slot: Slot): void {
    const [self, ...rest] = args;
    const node = fn.node as Fn;
    if (self) this.heap.passReceiver(node, self);
    rest.forEach((value, index) => {
      if (method !== 'apply') this.heap.passTo(node, index, value);
      else
        this.heap.watch(value, (list) => {
          for (let at = 0; at < node.parameters.length; at++)
            this.heap.passTo(node, at, this.heap.field(list, EVERY));
        });
    });
    if (method === 'bind') this.heap.put(fn, slot);
    else this.heap.flow(this.heap.returned(node), slot);
  }

  /** Calls the functions among the arguments with what a collection or promise gives them. */
  private callBack(args: readonly Slot[], given: readonly Slot[], result: Slot): void {
    for (const argument of args)
      this.heap.watch(argument, (thing) => {
        if (thing.kind !== 'function') return;
        given.forEach((value, index) => {
          this.heap.passTo(thing.node as Fn, index, value);
        });
        this.heap.flow(this.heap.returned(thing.node), result);
      });
  }

  /** `Object.assign`, `Array.from`, `Promise.all`, … Is the call one of them? */
  callGlobal(
    node: ts.CallExpression,
    callee: ts.PropertyAccessExpression,
    args: readonly Slot[],
    slot: Slot,
  ): boolean {
    const { sources } = this.heap;
    if (!ts.isIdentifier(callee.expression) || sources.symbolOf(callee.expression)) return false;
    const [first, ...others] = args;
    const name = callee.getText();
    if (CHANGES_PROCESS.test(name) && args.length > 0) this.heap.globalWrites.add(node);
    if (!first) return false;
    if (CHANGES_ARGUMENT.test(name)) {
      if (isGlobalObject(sources, node.arguments[0]!)) this.heap.globalWrites.add(node);
      this.heap.flow(first, slot);
      this.changeArgument(node, name, first, others);
    } else if (RETURNS_ARGUMENT.test(name)) this.heap.flow(first, slot);
    else if (MAKES_COLLECTION.test(name)) {
      const made = this.heap.make('collection', node, { isList: !MAKES_OBJECT.test(name) });
      this.heap.put(made, slot);
      this.fill(made, first, name.startsWith('Promise.') ? 1 : 2);
      this.callBack(others, [this.heap.field(made, EVERY)], this.heap.field(made, ANY));
      if (/^Promise\.(?:any|race)$/.test(name)) this.heap.flow(this.heap.field(made, ANY), slot);
    } else return false;
    return true;
  }

  private changeArgument(node: ts.CallExpression, name: string, target: Slot, others: readonly Slot[]): void {
    const [changed] = node.arguments;
    const inConstruction = changed?.kind === ts.SyntaxKind.ThisKeyword && isConstruction(changed);
    const values = new Slot();
    for (const other of others) {
      this.heap.flow(this.heap.read(other, EACH), values);
      if (name !== 'Object.assign') this.heap.flow(other, values);
    }
    this.heap.watch(target, (thing) => {
      if (!inConstruction) this.heap.recordChange(thing, node);
      this.heap.becomeDictionary(thing);
      this.keep(thing, [values]);
    });
  }

  /** Elements of a collection's argument: `new Map(entries)`, `Array.from(items)`. */
  fill(thing: Thing, from: Slot, depth: number): void {
    const elements = this.heap.read(from, EACH);
    this.keep(thing, [elements]);
    if (depth > 1) this.fill(thing, elements, depth - 1);
  }
}

/** Methods that change a collection and put nothing into it: what `delete` is given is not kept. */
const TAKES_OUT = /^(?:delete|pop|shift|clear)$/;

const OF_PROMISE = /^(?:then|catch|finally)$/;
const SEARCHES = /^(?:exec|test)$/;
const FOLDS = /^reduce(?:Right)?$/;
const OF_FUNCTION = /^(?:call|apply|bind)$/;
const CHANGES_PROCESS = /^process\.(?:chdir|umask|setuid|setgid)$/;
const CHANGES_ARGUMENT =
  /^(?:Object\.(?:assign|defineProperty|defineProperties|setPrototypeOf)|Reflect\.(?:set|defineProperty|deleteProperty))$/;
const RETURNS_ARGUMENT = /^(?:Object\.(?:freeze|seal|preventExtensions)|Promise\.resolve)$/;
const MAKES_COLLECTION =
  /^(?:Object\.(?:values|entries|fromEntries|create)|Array\.(?:from|of)|Promise\.(?:all|allSettled|any|race))$/;
const MAKES_OBJECT = /^(?:Object\.(?:fromEntries|create)|Promise\.(?:any|race))$/;

const FINDS = new Set(['find', 'findLast', 'at']);

/** Methods of collections that give one of the elements, or themselves. */
const RETURNS_ELEMENT = new Set([...FINDS, 'get', 'pop', 'shift', 'sort', 'reverse']);

/** Methods of collections that give a new one with the same elements. */
const RETURNS_ELEMENTS = new Set([
  'values',
  'entries',
  'keys',
  'slice',
  'concat',
  'filter',
  'splice',
  'flat',
  'flatMap',
  'toSorted',
  'toReversed',
  'with',
]);

/** Does a search with the g flag end where a later one goes on? Not when it is followed to its end. */
function leavesPosition(call: ts.CallExpression): boolean {
  for (let at = call.parent; at; at = at.parent) {
    if (ts.isWhileStatement(at) && isInside(call, at.expression))
      return /\b(?:break|return|throw|await)\b/.test(at.statement.getText());
    if (ts.isStatement(at)) return true;
  }
  return true;
}
