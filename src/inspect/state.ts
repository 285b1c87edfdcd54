import type { StateKind } from '../model.js';
import { classOf, declaredName, functionOf, isInside } from './connect.js';
import { CHANGES_COLLECTION, CHANGES_OBJECT, IMMUTABLE_GLOBALS, isShareablePackage } from './packages.js';
import { descendants, enclosingFunction, type Sources, ts, unwrap } from './source.js';
import { isModuleExports } from './timing.js';

export type StateDeclaration = ts.VariableDeclaration | ts.PropertyDeclaration;

/** A binding outside any handler that one process would share between its clients. */
export interface StateFinding {
  readonly symbol: ts.Symbol;
  readonly name: string;
  readonly declaration: ts.Node;
  /** Why it cannot be separated by the rewriter, if so. */
  readonly stuck?: boolean;
  readonly kind: StateKind;
  readonly writes: readonly ts.Node[];
  readonly decision: 'isolate' | 'share';
  readonly reason: string;
}

/** What a binding's initial value is, as far as its changing is concerned. */
type Value =
  | { readonly is: 'collection'; readonly empty: boolean }
  | { readonly is: 'instance'; readonly owner: ts.ClassLikeDeclaration }
  | { readonly is: 'closure'; readonly fn: ts.FunctionLikeDeclaration }
  | { readonly is: 'external'; readonly module: string; readonly name: string; readonly node: ts.Expression }
  | { readonly is: 'plain' };

/** Tells code that runs for a client from code that runs once. */
export interface When {
  isPerClient(node: ts.Node): boolean;
}

/** Judges module-level variables and static fields: who changes them, and when. */
export class StateJudge {
  constructor(
    private readonly sources: Sources,
    private readonly timing: When,
  ) {}

  /** The finding for one declaration, or undefined when nothing of it changes after the start. */
  judge(declaration: StateDeclaration): StateFinding | undefined {
    const name = declaration.name;
    if (!ts.isIdentifier(name) && !ts.isPrivateIdentifier(name)) return undefined;
    const symbol = this.sources.checker.getSymbolAtLocation(name);
    if (!symbol) return undefined;
    const references = this.referencesOf(declaration, symbol);
    const finding = (
      kind: StateKind,
      writes: readonly ts.Node[],
      decision: 'isolate' | 'share',
      reason: string,
    ): StateFinding => ({
      symbol,
      name: name.text,
      declaration,
      kind,
      writes,
      decision,
      reason,
    });

    const assigned = references.filter((reference) => isAssigned(reference));
    const reassignedLater = assigned.filter((node) => this.timing.isPerClient(node));
    if (reassignedLater.length > 0) {
      return this.isSharedResource(assigned)
        ? finding(
            'resource',
            reassignedLater,
            'share',
            'a client or pool that is made once and serves everybody',
          )
        : finding('reassigned', reassignedLater, 'isolate', 'it is assigned while a client is served');
    }
    const values = [declaration.initializer, ...assigned.map(assignedValue)].filter(
      (value) => value !== undefined,
    );
    for (const expression of values) {
      const value = this.valueOf(expression);
      const writes = this.changes(value, references).filter((node) => this.timing.isPerClient(node));
      if (writes.length > 0)
        return finding(
          value.is === 'instance' || value.is === 'closure' ? 'instance' : 'mutated',
          writes,
          'isolate',
          reasonFor(value),
        );
    }
    return undefined;
  }

  /** Variables of a destructuring pattern that are assigned for a client: they cannot be separated one by one. */
  judgePattern(declaration: StateDeclaration): StateFinding[] {
    return descendants(declaration.name, ts.isIdentifier).flatMap((name): StateFinding[] => {
      const symbol = this.sources.checker.getSymbolAtLocation(name);
      const writes = symbol
        ? this.sources
            .referencesTo(symbol)
            .filter((reference) => isAssigned(reference) && this.timing.isPerClient(reference))
        : [];
      if (!symbol || writes.length === 0) return [];
      return [
        {
          symbol,
          name: name.text,
          declaration,
          kind: 'reassigned',
          writes,
          decision: 'isolate',
          stuck: true,
          reason: 'it is assigned while a client is served',
        },
      ];
    });
  }

  private referencesOf(declaration: StateDeclaration, symbol: ts.Symbol): ts.Expression[] {
    if (ts.isVariableDeclaration(declaration))
      return [...this.sources.referencesTo(symbol)].filter(
        (node) => !isModuleExports(node) && !ts.isExportSpecifier(node.parent),
      );
    return staticFieldUses(this.sources, declaration);
  }

  /** `if (!pool) pool = new Pool()`: every value assigned later is a shareable client, or nothing. */
  private isSharedResource(assigned: readonly ts.Node[]): boolean {
    const values = assigned
      .map((node) => assignedValue(node as ts.Expression))
      .filter((value) => value !== undefined && !isNothing(value));
    return (
      values.length > 0 &&
      values.every((value) => {
        const made = this.valueOf(value!);
        return (
          (made.is === 'external' && isShareablePackage(made.module)) ||
          (made.is === 'instance' &&
            this.changingMembers(made.owner).length === 0 &&
            !this.takesClientValues(value!))
        );
      })
    );
  }

  /** Is the value built from parameters of the function around it (a token, a server, a user)? */
  private takesClientValues(value: ts.Expression): boolean {
    const fn = enclosingFunction(value);
    if (!fn) return false;
    return [...this.sources.symbolsIn(value)].some(
      (symbol) => symbol.valueDeclaration && isInside(symbol.valueDeclaration, fn),
    );
  }

  valueOf(expression: ts.Expression): Value {
    const value = unwrap(expression);
    if (ts.isArrayLiteralExpression(value)) return { is: 'collection', empty: value.elements.length === 0 };
    if (ts.isObjectLiteralExpression(value))
      return { is: 'collection', empty: value.properties.length === 0 };
    if (ts.isConditionalExpression(value)) return this.valueOf(value.whenTrue);
    if (
      ts.isBinaryExpression(value) &&
      (value.operatorToken.kind === ts.SyntaxKind.BarBarToken ||
        value.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken)
    )
      return this.valueOf(value.right);
    if (ts.isNewExpression(value)) return this.valueOfNew(value);
    if (ts.isCallExpression(value)) return this.valueOfCall(value);
    return { is: 'plain' };
  }

  private valueOfNew(value: ts.NewExpression): Value {
    const name = value.expression.getText();
    if (/^(?:Map|Set|WeakMap|WeakSet|Array|Object)$/.test(name))
      return { is: 'collection', empty: !value.arguments?.length };
    const owner = classOf(this.sources, value);
    if (owner) return { is: 'instance', owner };
    const external = this.sources.externalOf(value.expression);
    if (external) return { is: 'external', ...external, node: value };
    return IMMUTABLE_GLOBALS.has(name.split('.')[0] ?? '')
      ? { is: 'plain' }
      : { is: 'external', module: '', name, node: value };
  }

  private valueOfCall(value: ts.CallExpression): Value {
    if (
      /^(?:Array\.from|Array\.of|Object\.create|Object\.fromEntries|Object\.assign|structuredClone)$/.test(
        value.expression.getText(),
      )
    ) {
      return {
        is: 'collection',
        empty: value.arguments.length === 0 || value.arguments[0]!.kind === ts.SyntaxKind.NullKeyword,
      };
    }
    const fn = functionOf(this.sources, value.expression);
    if (fn) return this.valueReturnedBy(fn);
    const external = this.sources.externalOf(unwrap(value.expression));
    return external ? { is: 'external', ...external, node: value } : { is: 'plain' };
  }

  private valueReturnedBy(fn: ts.FunctionLikeDeclaration): Value {
    if (this.returning.has(fn)) return { is: 'plain' };
    this.returning.add(fn);
    try {
      if (changesOwnLocals(this.sources, fn)) return { is: 'closure', fn };
      const returned = fn.body && !ts.isBlock(fn.body) ? [fn.body as ts.Expression] : returnsOf(fn);
      for (const expression of returned) {
        const value = this.valueOf(expression);
        if (value.is !== 'plain') return value;
      }
      return { is: 'plain' };
    } finally {
      this.returning.delete(fn);
    }
  }
  private readonly returning = new Set<ts.Node>();

  /** The places that change the value itself, not the binding. */
  private changes(value: Value, references: readonly ts.Expression[]): ts.Node[] {
    if (value.is === 'instance') {
      const members = this.changingMembers(value.owner);
      return [...members, ...references.flatMap((reference) => fieldAssignments(reference))];
    }
    if (value.is === 'closure')
      return descendants(value.fn, isFunctionLiteral)
        .filter((inner) => inner !== value.fn && this.timing.isPerClient(inner.body ?? inner))
        .slice(0, 1);
    const direct = references.flatMap((reference) => this.inPlace(reference, value));
    if (value.is !== 'external') return direct;
    if (isMemoryDatabase(value.node))
      return references.filter((reference) => this.timing.isPerClient(reference));
    return direct;
  }

  /** Changes made through one reference: assignments below it, changing methods, aliases of it. */
  private inPlace(reference: ts.Expression, value: Value, depth = 0): ts.Node[] {
    const path = accessPath(reference);
    if (path !== reference && isAssigned(path)) return [path];
    const parent = path.parent;
    if (ts.isCallExpression(parent) && parent.expression === path && ts.isPropertyAccessExpression(path)) {
      const method = path.name.text;
      if (value.is === 'external') {
        return path.expression === reference &&
          !isShareablePackage(value.module) &&
          CHANGES_OBJECT.test(method) &&
          value.module !== ''
          ? [parent]
          : [];
      }
      if (CHANGES_COLLECTION.has(method) && !this.isOwnMethod(path)) return [parent];
      return this.changesByResult(parent, method, value, depth);
    }
    if (value.is === 'external' || value.is === 'plain') return [];
    if (ts.isCallExpression(parent) && parent.arguments.includes(path))
      return this.changesByArgument(parent, path, value, depth);
    if (ts.isNewExpression(parent) && value.is === 'collection' && value.empty && path === reference)
      return [parent];
    if (ts.isReturnStatement(parent) || ts.isVariableDeclaration(parent))
      return this.changesByAlias(path, value, depth);
    if (ts.isForOfStatement(parent) && parent.expression === path)
      return this.changesByElement(parent.initializer, value, depth);
    return [];
  }

  private isOwnMethod(path: ts.PropertyAccessExpression): boolean {
    return functionOf(this.sources, path) !== undefined;
  }

  private changesByResult(call: ts.CallExpression, method: string, value: Value, depth: number): ts.Node[] {
    if (value.is !== 'collection' || depth > 4) return [];
    if (/^(?:get|find|at|values|entries|findLast)$/.test(method))
      return this.inPlace(call, value, depth + 1).concat(this.changesByAlias(call, value, depth + 1));
    const callback = call.arguments[0];
    if (
      method === 'forEach' &&
      callback &&
      (ts.isArrowFunction(callback) || ts.isFunctionExpression(callback))
    ) {
      const parameter = callback.parameters[0];
      return parameter ? this.changesByElement(parameter, value, depth) : [];
    }
    return [];
  }

  private changesByArgument(
    call: ts.CallExpression,
    argument: ts.Expression,
    value: Value,
    depth: number,
  ): ts.Node[] {
    if (call.expression.getText() === 'Object.assign' && call.arguments[0] === argument) return [call];
    if (depth > 4) return [];
    const fn = functionOf(this.sources, call.expression);
    const parameter = fn?.parameters[call.arguments.indexOf(argument)];
    return parameter ? this.changesByElement(parameter, value, depth) : [];
  }

  private changesByAlias(path: ts.Expression, value: Value, depth: number): ts.Node[] {
    let at: ts.Node = path;
    while (
      ts.isAwaitExpression(at.parent) ||
      ts.isNonNullExpression(at.parent) ||
      ts.isAsExpression(at.parent) ||
      ts.isParenthesizedExpression(at.parent) ||
      ts.isBinaryExpression(at.parent)
    )
      at = at.parent;
    if (depth > 4) return [];
    if (ts.isVariableDeclaration(at.parent) && at.parent.initializer === at)
      return this.changesByElement(at.parent, value, depth);
    const fn = ts.isReturnStatement(at.parent) ? enclosingFunction(at) : undefined;
    const name = fn && declaredName(fn);
    const symbol = name && ts.isIdentifier(name) ? this.sources.symbolOf(name) : undefined;
    if (!symbol) return [];
    return this.sources
      .referencesTo(symbol)
      .flatMap((reference) =>
        ts.isCallExpression(reference.parent) && reference.parent.expression === reference
          ? this.inPlace(reference.parent, value, depth + 1)
          : [],
      );
  }

  private changesByElement(holder: ts.Node, value: Value, depth: number): ts.Node[] {
    const declarations = ts.isVariableDeclarationList(holder) ? holder.declarations : [holder];
    return declarations.flatMap((declaration) => {
      const name = (declaration as ts.VariableDeclaration).name;
      const names = name && ts.isIdentifier(name) ? [name] : name ? descendants(name, ts.isIdentifier) : [];
      return names.flatMap((one) => {
        const symbol = this.sources.symbolOf(one);
        return symbol
          ? this.sources
              .referencesTo(symbol)
              .flatMap((reference) => this.inPlace(reference, value, depth + 1))
          : [];
      });
    });
  }

  private readonly members = new Map<ts.Node, ts.Node[]>();

  /** Places in a class (and the project's classes it extends or holds) that change its instances after construction. */
  changingMembers(owner: ts.ClassLikeDeclaration): ts.Node[] {
    const known = this.members.get(owner);
    if (known) return known;
    this.members.set(owner, []);
    const found: ts.Node[] = [];
    for (const node of descendants(owner, isThisAccess)) {
      if (inConstructor(node, owner)) continue;
      found.push(...this.fieldChanges(node).filter((change) => this.timing.isPerClient(change)));
    }
    for (const member of owner.members) {
      const held =
        ts.isPropertyDeclaration(member) && member.initializer ? this.valueOf(member.initializer) : undefined;
      if (held?.is === 'instance') found.push(...this.changingMembers(held.owner));
    }
    for (const assignment of descendants(owner, ts.isBinaryExpression)) {
      if (
        assignment.operatorToken.kind !== ts.SyntaxKind.EqualsToken ||
        !isThisAccess(unwrap(assignment.left))
      )
        continue;
      const held = this.valueOf(assignment.right);
      if (held.is === 'instance') found.push(...this.changingMembers(held.owner));
    }
    found.push(...this.inherited(owner));
    this.members.set(owner, found);
    return found;
  }

  private inherited(owner: ts.ClassLikeDeclaration): ts.Node[] {
    const base = owner.heritageClauses?.find((clause) => clause.token === ts.SyntaxKind.ExtendsKeyword)
      ?.types[0];
    if (!base) return [];
    const external = this.sources.externalOf(base.expression);
    if (external)
      return /^(?:node:)?events$/.test(external.module) || external.name === 'EventEmitter' ? [base] : [];
    const declaration = this.sources.symbolOf(base.expression)?.valueDeclaration;
    return declaration && ts.isClassLike(declaration) ? this.changingMembers(declaration) : [];
  }

  private fieldChanges(node: ts.PropertyAccessExpression): ts.Node[] {
    if (isAssigned(node)) return [node];
    return this.inPlace(node, { is: 'collection', empty: false });
  }
}

const reasonFor = (value: Value): string => {
  switch (value.is) {
    case 'instance':
      return `${value.owner.name?.text ?? 'its class'} changes its fields while a client is served`;
    case 'closure':
      return 'the functions it holds change variables they close over';
    case 'external':
      return 'its contents change while a client is served';
    default:
      return 'it is changed in place while a client is served';
  }
};

const isFunctionLiteral = (node: ts.Node): node is ts.FunctionLikeDeclaration =>
  ts.isFunctionLike(node) && 'body' in node;

const isThisAccess = (node: ts.Node): node is ts.PropertyAccessExpression =>
  ts.isPropertyAccessExpression(node) && node.expression.kind === ts.SyntaxKind.ThisKeyword;

function inConstructor(node: ts.Node, owner: ts.ClassLikeDeclaration): boolean {
  for (let at = node.parent; at && at !== owner; at = at.parent) {
    if (ts.isConstructorDeclaration(at)) return true;
    if (ts.isFunctionLike(at)) {
      if (!ts.isArrowFunction(at)) return false;
      if (!isCalledAtOnce(at)) return false;
    }
  }
  return false;
}

const isCalledAtOnce = (fn: ts.Node): boolean =>
  ts.isCallExpression(fn.parent) && fn.parent.expression === fn;

/** The longest `a.b[0].c` that starts with the reference, through `!` and casts. */
function accessPath(reference: ts.Expression): ts.Expression {
  let at: ts.Expression = reference;
  for (;;) {
    const parent: ts.Node = at.parent;
    const continues =
      (ts.isPropertyAccessExpression(parent) ||
        ts.isElementAccessExpression(parent) ||
        ts.isNonNullExpression(parent) ||
        ts.isAsExpression(parent) ||
        ts.isParenthesizedExpression(parent)) &&
      parent.expression === at;
    if (!continues) return at;
    at = parent as ts.Expression;
  }
}

const isAssignment = (kind: ts.SyntaxKind): boolean =>
  kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;

/** Is the expression the target of an assignment, `++`, `delete` or a destructuring assignment? */
export function isAssigned(node: ts.Node): boolean {
  let at = node;
  while (
    ts.isParenthesizedExpression(at.parent) ||
    ts.isNonNullExpression(at.parent) ||
    ts.isAsExpression(at.parent)
  )
    at = at.parent;
  const parent = at.parent;
  if (ts.isBinaryExpression(parent)) return parent.left === at && isAssignment(parent.operatorToken.kind);
  if (ts.isPostfixUnaryExpression(parent)) return true;
  if (ts.isPrefixUnaryExpression(parent))
    return (
      parent.operator === ts.SyntaxKind.PlusPlusToken || parent.operator === ts.SyntaxKind.MinusMinusToken
    );
  if (ts.isDeleteExpression(parent)) return true;
  if (ts.isForOfStatement(parent) || ts.isForInStatement(parent)) return parent.initializer === at;
  return inAssignmentPattern(at);
}

function inAssignmentPattern(node: ts.Node): boolean {
  let at = node.parent;
  let child = node;
  while (
    ts.isArrayLiteralExpression(at) ||
    ts.isObjectLiteralExpression(at) ||
    ts.isSpreadElement(at) ||
    ts.isShorthandPropertyAssignment(at) ||
    (ts.isPropertyAssignment(at) && at.initializer === child)
  ) {
    child = at;
    at = at.parent;
  }
  return (
    at !== node.parent &&
    ts.isBinaryExpression(at) &&
    at.left === child &&
    at.operatorToken.kind === ts.SyntaxKind.EqualsToken
  );
}

/** The right side of the plain assignment whose target the expression is. */
function assignedValue(target: ts.Node): ts.Expression | undefined {
  const parent = target.parent;
  return ts.isBinaryExpression(parent) && parent.left === target && isAssignment(parent.operatorToken.kind)
    ? parent.right
    : undefined;
}

const isNothing = (value: ts.Expression): boolean =>
  value.kind === ts.SyntaxKind.NullKeyword || value.getText() === 'undefined';

const fieldAssignments = (reference: ts.Expression): ts.Node[] => {
  const path = accessPath(reference);
  return path !== reference && isAssigned(path) ? [path] : [];
};

function returnsOf(fn: ts.FunctionLikeDeclaration): ts.Expression[] {
  const found: ts.Expression[] = [];
  const walk = (node: ts.Node): void => {
    if (ts.isReturnStatement(node) && node.expression) found.push(node.expression);
    if (!ts.isFunctionLike(node) || node === fn) ts.forEachChild(node, walk);
  };
  walk(fn);
  return found;
}

/** Does a function inside this one change a variable of this one, so that what it returns has a memory? */
export function changesOwnLocals(sources: Sources, fn: ts.FunctionLikeDeclaration): boolean {
  return descendants(fn, isFunctionLiteral).some(
    (inner) =>
      inner !== fn &&
      descendants(inner, ts.isIdentifier).some((identifier) => {
        const declaration = sources.symbolOf(identifier)?.valueDeclaration;
        if (
          !declaration ||
          !ts.isVariableDeclaration(declaration) ||
          isInside(declaration, inner) ||
          !isInside(declaration, fn)
        )
          return false;
        if (enclosingFunction(declaration) !== fn) return false;
        return (
          isAssigned(identifier) || isAssigned(accessPath(identifier)) || callsChangingMethod(identifier)
        );
      }),
  );
}

function callsChangingMethod(identifier: ts.Identifier): boolean {
  const path = accessPath(identifier);
  return (
    ts.isPropertyAccessExpression(path) &&
    ts.isCallExpression(path.parent) &&
    path.parent.expression === path &&
    CHANGES_COLLECTION.has(path.name.text)
  );
}

function isMemoryDatabase(node: ts.Expression): boolean {
  const args = ts.isNewExpression(node) || ts.isCallExpression(node) ? (node.arguments ?? []) : [];
  return args.some((argument) => ts.isStringLiteral(argument) && argument.text === ':memory:');
}

/** `Owner.field`, and `this.field` in static members, of a static field. */
export function staticFieldUses(
  sources: Sources,
  declaration: ts.PropertyDeclaration,
): ts.PropertyAccessExpression[] {
  const owner = declaration.parent;
  const name = declaration.name.getText();
  const symbol = ts.isClassLike(owner) && owner.name ? sources.symbolOf(owner.name) : undefined;
  const viaName = symbol ? sources.referencesTo(symbol).map((reference) => reference.parent) : [];
  const viaThis = descendants(owner, isThisAccess).filter((node) => inStaticMember(node, owner));
  return [...viaName, ...viaThis].filter(
    (node): node is ts.PropertyAccessExpression =>
      ts.isPropertyAccessExpression(node) && node.name.text === name.replace(/^#/, '#'),
  );
}

function inStaticMember(node: ts.Node, owner: ts.Node): boolean {
  for (let at = node.parent; at && at !== owner; at = at.parent) {
    if (at.parent === owner)
      return (
        ts.canHaveModifiers(at) &&
        (at.modifiers?.some((m) => m.kind === ts.SyntaxKind.StaticKeyword) ?? false)
      );
  }
  return false;
}

/** Every declaration whose value outlives a call: module-level variables and static fields, file by file. */
export function lastingDeclarations(sources: Sources): StateDeclaration[] {
  const found: StateDeclaration[] = [];
  for (const file of sources.files.values()) {
    for (const statement of file.statements) {
      if (ts.isVariableStatement(statement)) found.push(...statement.declarationList.declarations);
    }
    for (const owner of descendants(file, ts.isClassLike))
      for (const member of owner.members)
        if (
          ts.isPropertyDeclaration(member) &&
          member.modifiers?.some((m) => m.kind === ts.SyntaxKind.StaticKeyword)
        )
          found.push(member);
  }
  return found;
}
