import { functionOf } from './calls.js';
import { enclosingFunction, forEachReference, type Sources, ts, unwrap } from './source.js';
import { immediateCaller, isTimer, timerOf } from './timing.js';

/** A lasting variable, or what each caller sends for itself. */
export type Touched = ts.Symbol | 'credential';

/**
 * What running a piece of code touches at once: the lasting variables and credentials it reads or writes itself or
 * through the functions it calls, timers included. Code that it only hands on (callbacks, handlers) does not count.
 */
export class Effects {
  private readonly known = new Map<ts.Node, ReadonlySet<Touched>>();
  private readonly direct = new Map<ts.Node, ReadonlySet<Touched>>();
  private readonly bodies = new Map<ts.Node, readonly ts.Node[]>();

  /** @param credentials identifiers whose evaluation gives a credential */
  constructor(
    private readonly sources: Sources,
    private readonly credentials: ReadonlySet<ts.Node>,
  ) {}

  touchedBy(node: ts.Node): ReadonlySet<Touched> {
    const known = this.known.get(node);
    if (known) return known;
    const touched = new Set<Touched>();
    for (const body of [node, ...this.bodiesRunBy([node])])
      for (const one of this.touchedIn(body)) touched.add(one);
    this.known.set(node, touched);
    return touched;
  }

  /** The same without the functions that are called. */
  private touchedIn(node: ts.Node): ReadonlySet<Touched> {
    const known = this.direct.get(node);
    if (known) return known;
    const touched = new Set<Touched>();
    forEachReference(node, (identifier) => {
      if (!this.runsWith(identifier, node)) return;
      if (this.credentials.has(identifier)) touched.add('credential');
      const access = ts.isPropertyAccessExpression(identifier.parent) ? identifier.parent : undefined;
      const symbol = (access && this.sources.symbolOf(access)) ?? this.sources.symbolOf(identifier);
      if (symbol) touched.add(symbol);
    });
    this.direct.set(node, touched);
    return touched;
  }

  /** Every function body and field initialiser that running the nodes runs; one, with what only it runs, may be left out. */
  bodiesRunBy(roots: readonly ts.Node[], except?: ts.Node): Set<ts.Node> {
    const found = new Set<ts.Node>();
    const queue = [...roots];
    for (let node = queue.pop(); node; node = queue.pop()) {
      for (const body of this.bodiesCalledIn(node))
        if (body !== except && !found.has(body)) {
          found.add(body);
          queue.push(body);
        }
    }
    return found;
  }

  private bodiesCalledIn(root: ts.Node): readonly ts.Node[] {
    const known = this.bodies.get(root);
    if (known) return known;
    const called: ts.Node[] = [];
    forEachReference(root, (identifier) => {
      if (this.runsWith(identifier, root)) called.push(...this.calledThrough(identifier));
    });
    this.bodies.set(root, called);
    return called;
  }

  /** Function bodies that run when the expression around the identifier is evaluated. */
  private calledThrough(identifier: ts.Identifier): ts.Node[] {
    let callee: ts.Expression = identifier;
    while (ts.isPropertyAccessExpression(callee.parent) && callee.parent.expression === callee)
      callee = callee.parent;
    const call = callee.parent;
    if (ts.isNewExpression(call) && call.expression === callee) {
      const declaration = this.sources.symbolOf(callee)?.valueDeclaration;
      return declaration && ts.isClassLike(declaration) ? constructionOf(declaration) : [];
    }
    const isTimed = ts.isCallExpression(call) && call.arguments[0] === callee && isTimer(call);
    if (!isTimed && (!ts.isCallExpression(call) || call.expression !== callee)) return [];
    const fn = functionOf(this.sources, callee) ?? staticMethodOf(this.sources, callee);
    return fn?.body ? [fn.body] : [];
  }

  /** Is the identifier evaluated together with `root`, not in a function that is only created there? */
  private runsWith(identifier: ts.Node, root: ts.Node): boolean {
    let fn: ts.Node | undefined = enclosingFunction(identifier);
    while (fn && fn !== root && isInsideOf(fn, root) && (fn as ts.FunctionLikeDeclaration).body !== root) {
      const caller = immediateCaller(fn) ?? timerOf(fn);
      if (!caller) return false;
      fn = enclosingFunction(caller);
    }
    for (let at = identifier.parent; at && at !== root; at = at.parent) {
      if (
        ts.isPropertyDeclaration(at) &&
        !at.modifiers?.some((m) => m.kind === ts.SyntaxKind.StaticKeyword) &&
        isInsideOf(at.parent, root)
      )
        return false;
    }
    return true;
  }
}

const isInsideOf = (node: ts.Node, outer: ts.Node): boolean =>
  node.pos >= outer.pos && node.end <= outer.end && node !== outer;

function staticMethodOf(sources: Sources, callee: ts.Expression): ts.FunctionLikeDeclaration | undefined {
  const access = unwrap(callee);
  if (!ts.isPropertyAccessExpression(access)) return undefined;
  const owner = sources.symbolOf(access.expression)?.valueDeclaration;
  if (!owner) return undefined;
  const members: readonly ts.Node[] = ts.isClassLike(owner)
    ? owner.members
    : ts.isVariableDeclaration(owner) &&
        owner.initializer &&
        ts.isObjectLiteralExpression(unwrap(owner.initializer))
      ? (unwrap(owner.initializer) as ts.ObjectLiteralExpression).properties
      : [];
  const member = members.find((one) => (one as ts.ClassElement).name?.getText() === access.name.text);
  return member && ts.isMethodDeclaration(member) ? member : undefined;
}

/** Constructor body and field initialisers of a class. */
function constructionOf(owner: ts.ClassLikeDeclaration): ts.Node[] {
  return owner.members.flatMap((member): ts.Node[] => {
    if (ts.isConstructorDeclaration(member) && member.body) return [member.body];
    const isField =
      ts.isPropertyDeclaration(member) &&
      member.initializer &&
      !member.modifiers?.some((m) => m.kind === ts.SyntaxKind.StaticKeyword);
    return isField ? [(member as ts.PropertyDeclaration).initializer!] : [];
  });
}
