import type { ConnectSite } from './connect.js';
import type { Frame } from './frame.js';
import { watchesParent } from './parent-watch.js';
import { endingOf, installsHandlers, registeredBy } from './signal-handlers.js';
import { descendants, enclosingFunction, isInside, rootOf, type Sources, ts, unwrap } from './source.js';
import { assignedIn, intersects, isDeclaration, namesOf } from './statement-names.js';

const GLUE =
  /^process\s*\.\s*(?:on|once|addListener|prependListener|stdin|stdout|removeAllListeners|setMaxListeners)\b/;

/** Signal handlers, stdin handling, banners after the connect, and what hangs on the transport variable. */
export function transportStatements(
  sources: Sources,
  frame: Frame,
  site: ConnectSite,
  local: readonly ts.Statement[],
  servers: ReadonlySet<ts.Symbol>,
): Set<ts.Statement> {
  const found = new Set<ts.Statement>([frame.path]);
  const holder = local.find(
    (statement) =>
      isInside(site.transport, statement) &&
      enclosingFunction(site.transport) === enclosingFunction(statement),
  );
  if (holder) found.add(holder);
  // What the connect returns is of the connection as well: `const handle = serveStdio(…)`.
  const watches = local.filter((statement) => !isDeclaration(statement) && watchesParent(sources, statement));
  const names = namesOf(sources, new Set([...(holder ? [holder] : []), frame.path, ...watches]));
  for (const name of watches.flatMap((statement) => assignedIn(sources, statement))) names.add(name);
  for (const statement of watches) found.add(statement);
  const starter = starterOf(sources, frame);
  for (const statement of local) {
    if (starter && ts.isExpressionStatement(statement) && sources.symbolsIn(statement).has(starter))
      found.add(statement);
    if (
      (ts.isExpressionStatement(statement) &&
        GLUE.test(statement.getText().replace(/^(?:void|await)\s+/, ''))) ||
      registeredBy(statement) ||
      installsHandlers(sources, statement)
    )
      found.add(statement);
    if (
      !isDeclaration(statement) &&
      !(
        isServerAssignment(sources, statement, names) &&
        !(frame.after.includes(statement) && onlyCloses(statement))
      ) &&
      intersects(sources.symbolsIn(statement), names)
    )
      found.add(statement);
    if (isBanner(statement) && (frame.after.includes(statement) || isOfBranch(sources, frame, statement)))
      found.add(statement);
    if (
      frame.before.includes(statement) &&
      frame.fn &&
      leavesFunction(statement) &&
      assignedIn(sources, statement).length === 0
    )
      found.add(statement);
  }
  // What the program does on a signal besides closing its connection has to be done when a service ends, too.
  const own = new Set([...names, ...namesOf(sources, found)]);
  const locals = [...found].flatMap((one) => assignedIn(sources, one)).filter(isLocal);
  for (const name of [...assignedByBranches(sources, frame), ...locals])
    if (!servers.has(name)) own.add(name);
  for (const statement of found) {
    const ending = endingOf(sources, statement, servers);
    if (ending?.cleansUp && !ending.uses(own)) found.delete(statement);
  }
  return found;
}

/** What calls the function around the connect back: `program` in `program.action(async () => …)`; it starts stdio only. */
function starterOf(sources: Sources, { fn }: Frame): ts.Symbol | undefined {
  const call = fn?.parent;
  if (!call || !ts.isCallExpression(call) || !(call.arguments as readonly ts.Node[]).includes(fn))
    return undefined;
  const root = rootOf(call.expression);
  return ts.isIdentifier(root) && ts.isPropertyAccessExpression(unwrap(call.expression))
    ? sources.symbolOf(root)
    : undefined;
}

/** What the connecting statement assigns, and other branches of those around it: `else httpServer = await listen()`. */
function assignedByBranches(sources: Sources, { before, path, after, holders }: Frame): readonly ts.Symbol[] {
  const onTheWay = new Set([...before, ...after].flatMap((one) => assignedIn(sources, one)));
  return [path, ...holders].flatMap((one) => assignedIn(sources, one)).filter((name) => !onTheWay.has(name));
}

const isLocal = ({ valueDeclaration }: ts.Symbol): boolean =>
  valueDeclaration !== undefined && enclosingFunction(valueDeclaration) !== undefined;

/** `server.onerror = …`, which may use the transport; what is assigned to the transport itself is the transport's. */
function isServerAssignment(
  sources: Sources,
  statement: ts.Statement,
  transports: ReadonlySet<ts.Symbol>,
): boolean {
  const assignment = ts.isExpressionStatement(statement) ? statement.expression : undefined;
  if (!assignment || !ts.isBinaryExpression(assignment)) return false;
  const target = assignment.left.getText();
  const root = sources.symbolOf(rootOf(assignment.left));
  return (
    /\.(?:onclose|onerror|oninitialized|fallback\w+)$/.test(target) &&
    !/transport/i.test(target) &&
    !(root && transports.has(root))
  );
}

/** `server.onclose = () => void transport.close()`, which a service does by itself at the end of a session. */
const onlyCloses = (statement: ts.Statement): boolean =>
  /\.onclose\s*=/.test(statement.getText()) &&
  descendants(statement, ts.isCallExpression).every((call) =>
    /^(?:console\b.*|process\.exit|.*\.close|.*\.catch)$/.test(call.expression.getText()),
  );

/** In front of the connect, does it stand in its branch only, and use nothing that is made on the way? */
function isOfBranch(sources: Sources, { before, holders }: Frame, statement: ts.Statement): boolean {
  const inBranch = holders.some(
    (one) => (ts.isIfStatement(one) || ts.isSwitchStatement(one)) && isInside(statement, one),
  );
  if (!inBranch || !before.includes(statement)) return false;
  const made = namesOf(sources, new Set(before.filter(({ parent }) => !ts.isSourceFile(parent))));
  return !intersects(sources.symbolsIn(statement), made);
}

/** `console.error('running on stdio')`, and the like of loggers. */
export function isBanner(statement: ts.Statement): boolean {
  if (ts.isIfStatement(statement))
    return [statement.thenStatement, ...(statement.elseStatement ? [statement.elseStatement] : [])].every(
      (one) => (ts.isBlock(one) ? one.statements.every(isBanner) : isBanner(one)),
    );
  return (
    ts.isExpressionStatement(statement) &&
    /^(?:await\s+)?(?:console|process\.std(?:err|out)|(?:this\.)?_?(?:log(?:ger)?|debug|print\w*|info))\b(?:\.\w+)?\s*\(/i.test(
      statement.getText(),
    )
  );
}

/** `return new Promise(() => …)`, which only the end of the connection or of the program fulfils, if anything does. */
export function waitsForTheEnd(statement: ts.Statement): boolean {
  const value =
    ts.isReturnStatement(statement) || ts.isExpressionStatement(statement) ? statement.expression : undefined;
  const made = value && unwrap(ts.isAwaitExpression(value) ? value.expression : value);
  if (!made || !ts.isNewExpression(made) || made.expression.getText() !== 'Promise') return false;
  const executor = made.arguments?.[0];
  if (!executor || (!ts.isArrowFunction(executor) && !ts.isFunctionExpression(executor))) return false;
  const settle = new Set(executor.parameters.map(({ name }) => name.getText()));
  return descendants(executor.body, ts.isIdentifier)
    .filter((identifier) => settle.has(identifier.text))
    .every((identifier) =>
      ts.findAncestor(identifier, (node) => (node === executor ? 'quit' : hooksIntoTheEnd(node))),
    );
}

/** `server.onclose = …`, `process.on('SIGINT', …)`, `process.stdin.on('end', …)` */
const hooksIntoTheEnd = (node: ts.Node): boolean =>
  ts.isCallExpression(node)
    ? /^process\b[\w.]*\.(?:on|once)$/.test(node.expression.getText())
    : ts.isBinaryExpression(node) && /\.onclose$/.test(node.left.getText());

/** `return` or `break` of the frame's own function. */
function leavesFunction(statement: ts.Statement): boolean {
  let found = false;
  const walk = (node: ts.Node): void => {
    if (found || ts.isFunctionLike(node) || ts.isClassLike(node)) return;
    if (ts.isReturnStatement(node)) found = true;
    else ts.forEachChild(node, walk);
  };
  walk(statement);
  return found;
}
