import { callsOf } from './calls.js';
import type { Effects } from './effects.js';
import { initializerOf, type StateDeclaration, staticFieldUses } from './lasting.js';
import { descendants, isAssigned, type Sources, ts, unwrap } from './source.js';

/** What values are followed from, beside credentials. */
interface Origins {
  isOrigin(symbol: ts.Symbol): boolean;
  /** The same of what has no name of its own: `this`, and `process.env`. */
  isUnnamedOrigin(expression: ts.Expression): boolean;
}

/**
 * Follows what is made from a credential, or from what else a client has for itself: through the functions that are called,
 * local variables and parameters.
 */
export class CredentialValues {
  private readonly known = new Map<ts.Symbol, boolean>();

  constructor(
    private readonly sources: Sources,
    private readonly effects: Effects,
    private readonly origins?: Origins,
  ) {}

  /** May the value of the expression be, or hold, such a thing? */
  carries(node: ts.Node): boolean {
    return this.isFrom(node) || this.namesIn(node).some((symbol) => this.holds(symbol));
  }

  /** Does the expression itself, or code that it runs, name where such things come from? */
  private isFrom(node: ts.Node): boolean {
    const touched = this.effects.touchedBy(node);
    return (
      touched.has('credential') ||
      this.namesIn(node).some((symbol) => this.origins?.isOrigin(symbol)) ||
      this.readsUnnamed(node)
    );
  }

  private namesIn(node: ts.Node): ts.Symbol[] {
    return [...this.effects.touchedBy(node)].filter((symbol) => symbol !== 'credential');
  }

  private readsUnnamed(node: ts.Node): boolean {
    const { origins } = this;
    return (
      origins !== undefined &&
      [node, ...this.effects.bodiesRunBy([node])]
        .flatMap((body) => descendants(body, isUnnamed))
        .some((one) => origins.isUnnamedOrigin(one))
    );
  }

  /** May the variable or parameter hold one? Programs are deeper than calls may be: what leads there is a list. */
  private holds(symbol: ts.Symbol): boolean {
    const ways = new Map<ts.Symbol, ts.Symbol | undefined>([[symbol, undefined]]);
    for (const one of ways.keys()) {
      const known = this.known.get(one);
      if (known === false) continue;
      const values = known ? [] : this.valuesOf(one);
      if (known || values.some((value) => this.isFrom(value))) {
        for (let at: ts.Symbol | undefined = one; at; at = ways.get(at)) this.known.set(at, true);
        return true;
      }
      for (const next of values.flatMap((value) => this.namesIn(value)))
        if (!ways.has(next)) ways.set(next, one);
    }
    for (const one of ways.keys()) this.known.set(one, false);
    return false;
  }

  private valuesOf(symbol: ts.Symbol): ts.Expression[] {
    const declaration = symbol.valueDeclaration;
    if (!declaration) return [];
    const assigned = this.sources.referencesTo(symbol).flatMap(assignedValue);
    if (ts.isVariableDeclaration(declaration))
      return isFunction(declaration.initializer)
        ? assigned
        : [...given(declaration.initializer), ...assigned];
    if (ts.isParameter(declaration)) return [...this.argumentsFor(declaration), ...assigned];
    if (!ts.isBindingElement(declaration)) return [];
    const holder = holderOf(declaration);
    if (ts.isParameter(holder)) return [...this.argumentsFor(holder), ...assigned];
    return ts.isVariableDeclaration(holder) ? [...given(holder.initializer), ...assigned] : assigned;
  }

  private argumentsFor(parameter: ts.ParameterDeclaration): ts.Expression[] {
    const fn = parameter.parent as ts.FunctionLikeDeclaration;
    const index = fn.parameters.indexOf(parameter);
    const calls: readonly { readonly arguments?: readonly ts.Expression[] | undefined }[] =
      ts.isConstructorDeclaration(fn) ? this.constructionsOf(fn.parent) : callsOf(this.sources, fn);
    return [...given(parameter.initializer), ...calls.flatMap((call) => given(call.arguments?.[index]))];
  }

  private constructionsOf(owner: ts.ClassLikeDeclaration): ts.NewExpression[] {
    const symbol = owner.name && this.sources.symbolOf(owner.name);
    const uses = symbol ? this.sources.referencesTo(symbol).map((reference) => reference.parent) : [];
    return uses.filter(ts.isNewExpression);
  }

  /** Does a lasting variable hold what is made from a credential, from the start or later? */
  isMadeFrom(declaration: StateDeclaration, symbol: ts.Symbol): boolean {
    if (
      this.holds(symbol) ||
      given(initializerOf(declaration)).some((value) => !isFunction(value) && this.carries(value))
    )
      return true;
    if (ts.isExportAssignment(declaration)) return false;
    return ts.isVariableDeclaration(declaration)
      ? this.isHandedUses(declaration, symbol)
      : staticFieldUses(this.sources, declaration).some((use) =>
          assignedValue(use).some((value) => this.carries(value)),
        );
  }

  /**
   * Does an object that a package made keep functions that use a credential: `memoize(fetchIssue)`,
   * `queue.add(() => …)`? It may call them for one client and give the result to another.
   */
  private isHandedUses(declaration: ts.VariableDeclaration, symbol: ts.Symbol): boolean {
    const made = declaration.initializer && unwrap(declaration.initializer);
    if (!made || !(ts.isCallExpression(made) || ts.isNewExpression(made))) return false;
    if (!this.sources.externalOf(made.expression)) return false;
    const calls = this.sources.referencesTo(symbol).flatMap((reference) => {
      const method = reference.parent;
      const callee =
        ts.isPropertyAccessExpression(method) && RUNS_LATER.test(method.name.text) ? method : reference;
      return ts.isCallExpression(callee.parent) && callee.parent.expression === callee ? [callee.parent] : [];
    });
    return [made, ...calls].some((call) => call.arguments?.some((argument) => this.usesLater(argument)));
  }

  /** A function that uses a credential when it is called. */
  private usesLater(argument: ts.Expression): boolean {
    const value = unwrap(argument);
    const declaration = ts.isIdentifier(value) ? this.sources.symbolOf(value)?.valueDeclaration : undefined;
    const fn = isFunction(value)
      ? value
      : declaration && ts.isFunctionDeclaration(declaration)
        ? declaration
        : declaration && ts.isVariableDeclaration(declaration) && isFunction(declaration.initializer)
          ? declaration.initializer
          : undefined;
    return fn?.body !== undefined && this.carries(fn.body);
  }
}

/** Methods of queues, limiters and caches that take a function. */
const RUNS_LATER =
  /^(?:add|push|schedule|enqueue|submit|run|exec|execute|wrap|fire|fetch|get|getOrSet|remember|load)(?:[A-Z]\w*)?$/;

const isUnnamed = (node: ts.Node): node is ts.Expression =>
  node.kind === ts.SyntaxKind.ThisKeyword ||
  (ts.isPropertyAccessExpression(node) && node.name.text === 'env' && node.getText() === 'process.env');

const given = (value: ts.Expression | undefined): ts.Expression[] => (value ? [value] : []);

const isFunction = (value: ts.Expression | undefined): value is ts.ArrowFunction | ts.FunctionExpression =>
  value !== undefined && (ts.isArrowFunction(value) || ts.isFunctionExpression(value));

function assignedValue(reference: ts.Expression): ts.Expression[] {
  const parent = reference.parent;
  return isAssigned(reference) && ts.isBinaryExpression(parent) && parent.left === reference
    ? [parent.right]
    : [];
}

function holderOf(element: ts.BindingElement): ts.Node {
  let at: ts.Node = element;
  while (ts.isBindingElement(at)) at = at.parent.parent;
  return at;
}
