import type { Analysis } from './analysis.js';
import { passesOn, StdioNotes } from './passed-on.js';
import { descendants, isInside, type Sources, topLevelStatement, ts, unwrap } from './source.js';
import { type Thing, ValueFlow } from './value-flow.js';

/** What messages go through in a transport of the SDK. */
const CHANNEL = /^(?:send|onmessage|start|processReadBuffer|_ondata|_onmessage|_readBuffer|_std(?:in|out))$/;

/** Where the stdio program changes, adds or watches messages in its transport, which the service's transports would not do. */
export function findTransportChanges({ sources, site, lifetimes }: Analysis): ts.Node[] {
  const notes = new StdioNotes(sources, site, lifetimes);
  const made = unwrap(site.transport);
  if (!ts.isNewExpression(made)) return [];
  const assignments = assignmentsIn(sources);
  const own = [
    ...changesByClass(sources, made, notes),
    ...changesByStreams(sources, made),
    ...ofPrototype(sources, assignments),
  ];
  // A program goes on with each client's transport where it would with its own.
  if (site.program || site.isAmbient) return own;
  const flow = ValueFlow.of(sources);
  const transports = flow.valuesOf(made);
  const isTransport = (expression: ts.Expression): boolean =>
    [...flow.valuesOf(expression)].some((thing) => transports.has(thing)) ||
    /server\.transport$/i.test(unwrap(expression).getText());
  const runner = site.runners.at(-1)?.fn;
  const replaced = assignments.filter(
    ({ target, node, value }) =>
      isTransport(target) && !(runner && isInside(node, runner)) && !(value && passesOn(value, notes)),
  );
  return [...own, ...replaced.map(({ node }) => node), ...wrappersOf(sources, flow, transports)];
}

/** Members of the transport's class that do more than log or note something, or follow its start and its end. */
function changesByClass(sources: Sources, made: ts.NewExpression, notes: StdioNotes): ts.Node[] {
  const owner = sources.symbolOf(made.expression)?.valueDeclaration;
  if (!owner || !ts.isClassLike(owner)) return [];
  return owner.members.filter((member) => {
    if (ts.isMethodDeclaration(member) && member.name.getText() === 'send') return !passesOn(member, notes);
    if (ts.isMethodDeclaration(member) && member.name.getText() === 'start') return touchesMessages(member);
    return CHANNEL.test(member.name?.getText() ?? '') || touchesMessages(member);
  });
}

/** Does the code name what messages go through, but for the method of the base class that it overrides? */
const touchesMessages = (member: ts.ClassElement): boolean =>
  descendants(member, ts.isIdentifier).some(
    (name) =>
      name !== member.name &&
      CHANNEL.test(name.text) &&
      !(
        ts.isPropertyAccessExpression(name.parent) &&
        name.parent.expression.kind === ts.SyntaxKind.SuperKeyword &&
        name.text === member.name?.getText()
      ),
  );

/** Streams of its own that are written to change what goes through them. */
function changesByStreams(sources: Sources, made: ts.NewExpression): ts.Node[] {
  return (made.arguments ?? []).filter((argument) => {
    const value = sources.symbolOf(unwrap(argument))?.valueDeclaration ?? argument;
    return /\bTransform\b|\bJSON\.parse\b|\.replace(?:All)?\(/.test(value.getText());
  });
}

interface Assignment {
  readonly node: ts.Node;
  readonly target: ts.Expression;
  /** The function that takes the place of `send`. */
  readonly value?: ts.Expression;
}

/** `target.send = …`, `Object.assign(target, …)`. */
function assignmentsIn(sources: Sources): Assignment[] {
  return [...sources.files.values()].flatMap((file) => [
    ...descendants(file, ts.isBinaryExpression).flatMap((node): Assignment[] => {
      if (node.operatorToken.kind !== ts.SyntaxKind.EqualsToken) return [];
      const left = unwrap(node.left);
      const name = ts.isPropertyAccessExpression(left)
        ? left.name.text
        : ts.isElementAccessExpression(left) && ts.isStringLiteralLike(left.argumentExpression)
          ? left.argumentExpression.text
          : '';
      if (!CHANNEL.test(name)) return [];
      const { expression: target } = left as ts.PropertyAccessExpression;
      return [{ node, target, ...(name === 'send' ? { value: node.right } : {}) }];
    }),
    ...descendants(file, ts.isCallExpression).flatMap((node): Assignment[] => {
      const [target] = node.arguments;
      return target && /^Object\.(?:assign|definePropert(?:y|ies))$/.test(node.expression.getText())
        ? [{ node, target }]
        : [];
    }),
  ]);
}

/** `StdioServerTransport.prototype.send = …` */
const ofPrototype = (sources: Sources, assignments: readonly Assignment[]): ts.Node[] =>
  assignments.flatMap(({ node, target }) => {
    const owner = unwrap(target);
    return ts.isPropertyAccessExpression(owner) &&
      owner.name.text === 'prototype' &&
      sources.externalOf(owner.expression)?.name === 'StdioServerTransport'
      ? [node]
      : [];
  });

/** `new Wrapper(transport)`, where the wrapper is what is connected, and `new Proxy(transport, …)`. */
function wrappersOf(sources: Sources, flow: ValueFlow, transports: ReadonlySet<Thing>): ts.Node[] {
  const files = [...sources.files.values()];
  const connected = new Set(
    files
      .flatMap((file) => descendants(file, ts.isCallExpression))
      .filter(({ expression }) => /\.connect$/.test(expression.getText()))
      .flatMap((call) => call.arguments.flatMap((argument) => [...flow.valuesOf(argument)]))
      .map(({ node }) => node),
  );
  return files
    .flatMap((file) => descendants(file, ts.isNewExpression))
    .filter((made) => connected.has(made) || made.expression.getText() === 'Proxy')
    .filter((made) =>
      made.arguments?.some((argument) => [...flow.valuesOf(argument)].some((thing) => transports.has(thing))),
    );
}

/** The statement that a change is, or stands in. */
export const statementOf = (node: ts.Node): ts.Statement =>
  (ts.findAncestor(node, ts.isExpressionStatement) ?? topLevelStatement(node)) as ts.Statement;
