import { type Sources, ts, unwrap } from './source.js';
import type { Thing } from './value-flow/thing.js';

/** What makes one connection, by its package: not a pool, which chooses one for each statement. */
const CONNECTIONS: readonly (readonly [module: RegExp, makes: RegExp])[] = [
  [/^pg(?:-native)?$/, /(?:^|\.)Client$/],
  [/^(?:mysql2?|mariadb)(?:\/|$)/, /(?:^|\.)createConnection$/],
  [/^(?:better-sqlite3|libsql|(?:node|bun):sqlite)$/, /(?:^|\.)(?:Database(?:Sync)?|default)$/],
];

/** Methods whose first argument is a statement. */
const STATES = /^(?:query|execute|exec|run|prepare|all|get|each|unsafe)$/;

/** How statements begin after which the next means something else: transactions, settings, temporary tables. */
const REMEMBERED =
  /^[\s(;]*(?:begin|start\s+trans|set|use|create\s+(?:local\s+|global\s+)?temp|(?:un)?lock|prepare|declare|(?:un)?listen|savepoint|reset|discard|attach|pragma)\b/i;

/**
 * Does a call leave something behind in the connection to a database that it is made on? A statement that somebody else
 * writes may do so.
 */
export function changesConnection(
  sources: Sources,
  { from, node }: Thing,
  call: ts.CallExpression,
  method: string,
): boolean {
  const [statement] = call.arguments;
  if (!statement || !from || !STATES.test(method)) return false;
  if (!ts.isNewExpression(node) && !ts.isCallExpression(node)) return false;
  const made = node.expression.getText();
  const isConnection = CONNECTIONS.some(
    ([module, makes]) => module.test(from.module) && (makes.test(made) || makes.test(from.name)),
  );
  if (!isConnection) return false;
  const beginning = beginningOf(sources, statement);
  return beginning === undefined || REMEMBERED.test(beginning);
}

/** The text that a statement begins with, if the program's code says it. */
function beginningOf(sources: Sources, statement: ts.Expression, depth = 0): string | undefined {
  const value = unwrap(statement);
  if (ts.isStringLiteralLike(value)) return value.text;
  if (ts.isTemplateExpression(value)) return /\S/.test(value.head.text) ? value.head.text : undefined;
  if (ts.isBinaryExpression(value)) return beginningOf(sources, value.left, depth);
  if (ts.isObjectLiteralExpression(value)) {
    const text = value.properties.find((one) => /^(?:text|sql)$/.test(one.name?.getText() ?? ''));
    return text && ts.isPropertyAssignment(text) ? beginningOf(sources, text.initializer, depth) : undefined;
  }
  const declaration = ts.isIdentifier(value) ? sources.symbolOf(value)?.valueDeclaration : undefined;
  const initial =
    declaration && ts.isVariableDeclaration(declaration) && depth < 4 ? declaration.initializer : undefined;
  return initial && beginningOf(sources, initial, depth + 1);
}
