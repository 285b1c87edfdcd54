import { descendants, isAssigned, ts } from '../inspect/source.js';
import type { Diagnostic } from '../model.js';
import type { EntryModule } from './entry-module.js';
import type { Placement } from './place-statements.js';

/** Assignments of the stdio program to variables of the new module. */
export interface SharedAssignments {
  /** Names of the functions that assign, by variable. */
  readonly setters: ReadonlyMap<string, string>;
  /** Variables that the stdio program assigns and never reads. */
  readonly unread: ReadonlySet<string>;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * An imported variable cannot be assigned. Where the stdio program says something of itself in a variable that the
 * server reads (`isStdio = true`), the assignment becomes a call of a function beside the variable.
 */
export function replaceSharedAssignments(
  entry: EntryModule,
  { shellNodes, shared, setUp, server, frameServer }: Placement,
): SharedAssignments {
  const { sources, edits, analysis } = entry;
  const setters = new Map<string, string>();
  const diagnostics: Diagnostic[] = [];
  const identifiers = shellNodes.flatMap((node) => descendants(node, ts.isIdentifier));
  const read = new Set(identifiers.filter((one) => !isAssigned(one)).map((one) => one.text));
  for (const identifier of identifiers) {
    const symbol = isAssigned(identifier) ? sources.symbolOf(identifier) : undefined;
    // What each session has for itself is a field of something that stays.
    if (!symbol || analysis.lifetimes.isolated.has(symbol)) continue;
    const declaration = symbol.valueDeclaration;
    const declares = (statement: ts.Statement) => statement === declaration?.parent?.parent;
    const isShared = shared.some(declares);
    if (!isShared && ![...setUp, ...server, ...frameServer].some(declares)) continue;
    const { parent } = identifier;
    // A local of the set-up has a name outside of it, but no setter.
    if (!isShared || !isPlainAssignment(parent, identifier)) {
      const at = sources.locationOf(identifier);
      const wayOut = isPlainAssignment(parent, identifier)
        ? OF_ONE_CLIENT
        : 'Assign it with = in a statement of its own';
      diagnostics.push({ code: 'assigned-from-stdio', at, args: { name: identifier.text, wayOut } });
      continue;
    }
    const setter = `set${identifier.text.charAt(0).toUpperCase()}${identifier.text.slice(1)}`;
    setters.set(identifier.text, setter);
    edits.replace(identifier.getStart(), parent.right.getStart(), `${setter}(`);
    edits.insert(parent.right.end, ')');
  }
  const unread = new Set([...setters.keys()].filter((name) => !read.has(name)));
  return { setters, unread, diagnostics };
}

/** What the program assigns as it should, but every client's server has a variable of its own. */
const OF_ONE_CLIENT = 'Let what is for stdio only keep it in a variable that nothing else reads';

const isPlainAssignment = (node: ts.Node, target: ts.Node): node is ts.BinaryExpression =>
  ts.isBinaryExpression(node) &&
  node.left === target &&
  node.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
  ts.isExpressionStatement(node.parent);

/** The functions that assign, for the new module. */
export function setterTexts(
  { isTypeScript, isCommonJs, unit, semicolon }: EntryModule,
  { setters }: SharedAssignments,
): string {
  return [...setters]
    .map(([name, setter]) => {
      const annotation = isTypeScript ? `value: typeof ${name}` : 'value';
      const head = `${isCommonJs ? '' : 'export '}function ${setter}(${annotation})${isTypeScript ? ': void' : ''} {`;
      return `/** For the stdio program. */\n${head}\n${unit}${name} = value${semicolon}\n}`;
    })
    .join('\n\n');
}
