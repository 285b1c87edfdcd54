import { declaredName } from './calls.js';
import { READS_COMMAND_LINE } from './packages.js';
import { signalHandlerOf } from './signal-handlers.js';
import { descendants, enclosingFunction, isDecoration, isInside, type Sources, ts } from './source.js';
import type { ValueFlow } from './value-flow.js';

/** Methods that call their function argument before they return. */
const ITERATES = new Set([
  'forEach',
  'map',
  'filter',
  'reduce',
  'some',
  'every',
  'find',
  'findIndex',
  'flatMap',
  'sort',
  'reduceRight',
]);

/**
 * Tells code that runs once while the process starts from code that runs for a client: handlers, the
 * server's construction, everything they may call. When unsure, code runs for a client.
 */
export class Timing {
  private readonly answers = new Answers();

  /**
   * @param perClient statements (of a module or of the function that sets up) that are repeated for each client
   * @param flow tells calls through variables, properties and collections
   * @param setUp the function whose body is the program's start, if the server is built inside one
   */
  constructor(
    private readonly sources: Sources,
    private readonly flow: ValueFlow,
    private readonly perClient: ReadonlySet<ts.Node>,
    private readonly setUp: ts.FunctionLikeDeclaration | undefined,
  ) {}

  /** May the code at this node run after the start, for a client? */
  isPerClient(node: ts.Node): boolean {
    for (let at: ts.Node = node; at && !ts.isFunctionLike(at); at = at.parent) {
      if (this.perClient.has(at)) return true;
      if (
        ts.isPropertyDeclaration(at) &&
        !at.modifiers?.some((m) => m.kind === ts.SyntaxKind.StaticKeyword)
      ) {
        return this.constructedPerClient(at.parent);
      }
    }
    const fn = enclosingFunction(node);
    if (!fn) return false;
    if (fn === this.setUp) return false;
    return this.calledPerClient(fn);
  }

  private calledPerClient(fn: ts.FunctionLikeDeclaration): boolean {
    return this.answers.of(fn, () => this.judge(fn));
  }

  private judge(fn: ts.FunctionLikeDeclaration): boolean {
    // It runs when the process ends, for nobody.
    if (signalHandlerOf(fn.parent) === fn) return false;
    const around = immediateCaller(fn) ?? timerOf(fn) ?? continuedAt(fn) ?? commandTaking(this.sources, fn);
    if (around) return this.isPerClient(around);
    const calls = [...this.flow.callsOf(fn)];
    if (calls.length > 0 && calls.every(isDecoration)) return calls.some((call) => this.isPerClient(call));
    if (calls.some((call) => !isInside(call, fn) && this.isPerClient(call))) return true;
    if (ts.isConstructorDeclaration(fn)) return this.constructedPerClient(fn.parent);
    const name = declaredName(fn);
    if (!name) return true;
    if (
      ts.isIdentifier(name) &&
      !ts.isClassElement(fn) &&
      !ts.isPropertyAssignment(fn.parent) &&
      !ts.isPropertyDeclaration(fn.parent)
    ) {
      return this.nameUsedPerClient(fn, name);
    }
    return this.memberUsedPerClient(fn, name.getText());
  }

  private nameUsedPerClient(fn: ts.Node, name: ts.Identifier): boolean {
    const symbol = this.sources.symbolOf(name);
    if (!symbol || isHandedOut(this.sources, this.flow, symbol, fn)) return true;
    return this.sources.referencesTo(symbol).some((reference) => {
      if (isInside(reference, fn) || isExport(reference)) return false;
      const access =
        ts.isPropertyAccessExpression(reference.parent) &&
        reference.parent.expression === reference &&
        this.sources.symbolOf(reference.parent) === symbol
          ? reference.parent
          : reference;
      const call = access.parent;
      if (signalHandlerOf(call) === access) return false;
      if (ts.isCallExpression(call) && call.expression === access) return this.isPerClient(call);
      if (ts.isCallExpression(call) && (iterates(call) || isTimer(call))) return this.isPerClient(call);
      return !ts.isTypeOfExpression(call) && !this.isCalledThroughObject(fn, reference);
    });
  }

  /** `const api = { setKey }`, where the calls through the object, `api.setKey(key)`, are all that run the function. */
  private isCalledThroughObject(fn: ts.Node, { parent }: ts.Node): boolean {
    const isMember = ts.isShorthandPropertyAssignment(parent) || ts.isPropertyAssignment(parent);
    return isMember && this.flow.callsOf(fn).size > 0 && !this.flow.isHeldByPackage(fn);
  }

  private memberUsedPerClient(fn: ts.FunctionLikeDeclaration, name: string): boolean {
    const uses = this.propertyUses(name).filter((use) => !isInside(use, fn));
    if (uses.length === 0) return true;
    return uses.some((use) => {
      const call = use.parent;
      if (ts.isCallExpression(call) && call.expression === use) return this.isPerClient(call);
      return ts.isGetAccessor(fn) || ts.isSetAccessor(fn) ? this.isPerClient(use) : true;
    });
  }

  private constructedPerClient(
    owner: ts.ClassLikeDeclaration | ts.ObjectLiteralExpression | ts.Node,
  ): boolean {
    if (!ts.isClassLike(owner) || !owner.name) return true;
    const { name } = owner;
    return this.answers.of(owner, () => this.madePerClient(owner, name));
  }

  private madePerClient(owner: ts.ClassLikeDeclaration, name: ts.Identifier): boolean {
    const symbol = this.sources.symbolOf(name);
    return (
      !symbol ||
      isHandedOut(this.sources, this.flow, symbol, owner) ||
      this.sources.referencesTo(symbol).some((reference) => {
        const use = reference.parent;
        if (isExport(reference)) return false;
        if (ts.isNewExpression(use) && use.expression === reference) return this.isPerClient(use);
        if (
          ts.isPropertyAccessExpression(use) ||
          (ts.isBinaryExpression(use) && use.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword)
        )
          return false;
        if (ts.isExpressionWithTypeArguments(use) && ts.isClassLike(use.parent.parent))
          return this.constructedPerClient(use.parent.parent);
        return !isInside(reference, owner);
      })
    );
  }

  private uses: Map<string, ts.PropertyAccessExpression[]> | undefined;

  private propertyUses(name: string): readonly ts.PropertyAccessExpression[] {
    if (!this.uses) {
      this.uses = new Map();
      for (const file of this.sources.files.values())
        for (const access of descendants(file, ts.isPropertyAccessExpression)) {
          const list = this.uses.get(access.name.text);
          if (list) list.push(access);
          else this.uses.set(access.name.text, [access]);
        }
    }
    return this.uses.get(name) ?? [];
  }
}

/**
 * Answers to questions that ask each other, in circles where functions call each other: no, unless something makes it yes.
 * What was answered no is asked again when another answer that it was based on turns out to be yes.
 */
class Answers {
  private readonly known = new Map<ts.Node, boolean>();
  private readonly questions = new Map<ts.Node, () => boolean>();
  /** Those that were answered no, by what they have asked. */
  private readonly askedBy = new Map<ts.Node, Set<ts.Node>>();
  private readonly asking: ts.Node[] = [];
  private readonly again = new Set<ts.Node>();

  of(node: ts.Node, question: () => boolean): boolean {
    const asking = this.asking.at(-1);
    if (!this.known.has(node)) {
      this.known.set(node, false);
      this.questions.set(node, question);
      this.ask(node);
    }
    const answer = this.known.get(node) === true;
    if (!answer && asking) this.askedBy.set(node, (this.askedBy.get(node) ?? new Set()).add(asking));
    return answer;
  }

  private ask(node: ts.Node): void {
    this.asking.push(node);
    let answer = false;
    do {
      this.again.delete(node);
      answer = this.questions.get(node)?.() ?? false;
    } while (!answer && this.again.has(node));
    this.asking.pop();
    if (!answer) return;
    this.known.set(node, true);
    for (const other of this.askedBy.get(node) ?? [])
      if (this.asking.includes(other)) this.again.add(other);
      else if (!this.known.get(other)) this.ask(other);
  }
}

/** Does nothing in the program use the function around a node, but export it? */
export function isNeverRun(sources: Sources, flow: ValueFlow, node: ts.Node): boolean {
  const fn = enclosingFunction(node);
  const name = fn && ts.isFunctionDeclaration(fn) ? fn.name : undefined;
  const symbol = name && sources.symbolOf(name);
  if (!fn || !symbol || flow.callsOf(fn).size > 0 || isHandedOut(sources, flow, symbol, fn)) return false;
  return sources.referencesTo(symbol).every((reference) => isInside(reference, fn) || isExport(reference));
}

/** The call that runs a function literal at once: an IIFE or an iteration method. */
export function immediateCaller(fn: ts.Node): ts.CallExpression | undefined {
  let at: ts.Node = fn;
  while (ts.isParenthesizedExpression(at.parent)) at = at.parent;
  const call = at.parent;
  if (!ts.isCallExpression(call)) return undefined;
  if (call.expression === at) return call;
  return iterates(call) ? call : undefined;
}

/** The call that has the function run later, for whom the call was made: `setInterval(fn, 1000)`. */
export const timerOf = (fn: ts.Node): ts.CallExpression | undefined =>
  ts.isCallExpression(fn.parent) && isTimer(fn.parent) ? fn.parent : undefined;

/** The `promise.then(fn)` or the like that has the function run once. */
const continuedAt = (fn: ts.Node): ts.CallExpression | undefined =>
  ts.isCallExpression(fn.parent) &&
  fn.parent.expression !== fn &&
  ts.isPropertyAccessExpression(fn.parent.expression) &&
  /^(?:then|catch|finally)$/.test(fn.parent.expression.name.text)
    ? fn.parent
    : undefined;

/** The call that makes a command of the command line of the function: `command({ name: 'fetch' }, fn)`. */
const commandTaking = (sources: Sources, fn: ts.Node): ts.CallExpression | undefined =>
  ts.isCallExpression(fn.parent) &&
  READS_COMMAND_LINE.test(sources.externalOf(fn.parent.expression)?.module ?? '')
    ? fn.parent
    : undefined;

/** Does the call have its first argument called later, whatever it is part of? */
export const isTimer = (call: ts.CallExpression): boolean =>
  /^(?:set(?:Interval|Timeout|Immediate)|queueMicrotask|process\.nextTick)$/.test(call.expression.getText());

const iterates = (call: ts.CallExpression): boolean =>
  ts.isPropertyAccessExpression(call.expression) && ITERATES.has(call.expression.name.text);

/**
 * Is it used where its name does not stand: as a property of a module that is passed on (`import * as tools`,
 * `await import('./tools.js')`), or of one that is loaded by a computed name?
 */
const isHandedOut = (sources: Sources, flow: ValueFlow, symbol: ts.Symbol, declaration: ts.Node): boolean =>
  flow.isReadThroughModuleValue(symbol) ||
  (sources.isLoadedByName(declaration) && isExported(sources, symbol));

function isExported(sources: Sources, symbol: ts.Symbol): boolean {
  const file = symbol.valueDeclaration?.getSourceFile();
  const module = file && sources.checker.getSymbolAtLocation(file);
  return (
    // What a module of CommonJS exports is assigned.
    module === undefined ||
    sources.checker.getExportsOfModule(module).some((one) => sources.targetOf(one) === symbol) ||
    sources.referencesTo(symbol).some(isExport)
  );
}

const isExport = (reference: ts.Node): boolean =>
  ts.isExportSpecifier(reference.parent) ||
  ts.isExportAssignment(reference.parent) ||
  isModuleExports(reference);

/** Inside `module.exports = { … }` or `module.exports = x` / `exports.x = x`. */
export function isModuleExports(reference: ts.Node): boolean {
  let at = reference.parent;
  if (ts.isShorthandPropertyAssignment(at) || (ts.isPropertyAssignment(at) && at.initializer === reference))
    at = at.parent.parent;
  return ts.isBinaryExpression(at) && /^(?:module\.)?exports\b/.test(at.left.getText());
}
