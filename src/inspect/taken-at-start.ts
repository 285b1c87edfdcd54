import type { Effects } from './effects.js';
import { initializerOf, type StateDeclaration } from './lasting.js';
import { importOrder } from './module-effects.js';
import {
  awaits,
  descendants,
  enclosingFunction,
  forEachReference,
  type Sources,
  ts,
  wrapped,
} from './source.js';
import type { StateFinding } from './state.js';

/**
 * Variables of modules that are given what something holds when the program starts, which changes while a client is served:
 * `const initial = { ...settings }`, `const first = list.length`. Made on first use, they would be given what the client
 * has made of it by then.
 */
export function takenAtStart(
  sources: Sources,
  effects: Effects,
  findings: readonly StateFinding[],
  isolated: ReadonlyMap<ts.Symbol, StateDeclaration>,
): ts.VariableDeclaration[] {
  const changing = new Map(
    findings.flatMap(({ symbol, kind, writes, decision }) =>
      symbol && decision === 'isolate' && writes.length > 0 && /^(?:reassigned|mutated|instance)$/.test(kind)
        ? [[symbol, kind] as const]
        : [],
    ),
  );
  const loaded = new Set(importOrder(sources));
  return [...new Set(isolated.values())].filter((declaration): declaration is ts.VariableDeclaration => {
    if (!ts.isVariableDeclaration(declaration)) return false;
    const initializer = initializerOf(declaration);
    return (
      initializer !== undefined &&
      loaded.has(declaration.getSourceFile()) &&
      !enclosingFunction(declaration) &&
      !awaits(initializer) &&
      (namesContent(sources, declaration, initializer, changing) ||
        asksFunctions(effects, initializer, new Set(changing.keys())))
    );
  });
}

/** Is more done with something that changes than handing it on: `list.length`, `[...list]`, `const { theme } = settings`? */
function namesContent(
  sources: Sources,
  { name }: ts.VariableDeclaration,
  initializer: ts.Expression,
  changing: ReadonlyMap<ts.Symbol, StateFinding['kind']>,
): boolean {
  let found = false;
  forEachReference(initializer, (identifier) => {
    if (!isEvaluatedIn(identifier, initializer)) return;
    const symbol = sources.symbolOf(identifier);
    const kind = symbol && changing.get(symbol);
    const isCopied = kind === 'reassigned' || !ts.isIdentifier(name);
    if (kind && (isCopied || !isHandedOn(identifier, initializer))) found = true;
  });
  return found;
}

/** Are functions called whose code, or whose arguments, have to do with something that changes? */
const asksFunctions = (
  effects: Effects,
  initializer: ts.Expression,
  changing: ReadonlySet<ts.Symbol>,
): boolean =>
  [initializer, ...descendants(initializer, ts.isCallExpression)]
    .filter((call) => ts.isCallExpression(call) && isEvaluatedIn(call, initializer))
    .some((call) => {
      for (const one of effects.touchedBy(call)) if (one !== 'credential' && changing.has(one)) return true;
      return false;
    });

const isEvaluatedIn = (node: ts.Node, initializer: ts.Expression): boolean =>
  enclosingFunction(node) === enclosingFunction(initializer);

/** `alias = list`, `new View(list)`, `{ list }`: who gets it sees what it holds later, too. */
function isHandedOn(identifier: ts.Node, initializer: ts.Expression): boolean {
  const at = wrapped(identifier);
  const { parent } = at;
  return (
    at === wrapped(initializer) ||
    ts.isPropertyAssignment(parent) ||
    ts.isShorthandPropertyAssignment(parent) ||
    ts.isArrayLiteralExpression(parent) ||
    (ts.isNewExpression(parent) && (parent.arguments?.includes(at as ts.Expression) ?? false))
  );
}
