import { type Sources, ts } from './source.js';
import type { Thing } from './value-flow.js';

/** What remembers all that is done with it, under any name: another program, a sandbox, a database in memory. */
export const isWorldOfItsOwn = (sources: Sources, thing: Thing): boolean =>
  isProgram(thing) || isMemoryDatabase(sources, thing);

function isProgram({ kind, node, from }: Thing): boolean {
  if (kind !== 'external' || (!ts.isNewExpression(node) && !ts.isCallExpression(node))) return false;
  return (
    /^(?:node:)?(?:child_process|worker_threads|vm|repl)$|^(?:node-pty|execa|cross-spawn)$/.test(
      from?.module ?? '',
    ) && /(?:^|\.)(?:spawn|fork|execa|Worker|createContext|start|default)$/.test(node.expression.getText())
  );
}

/** A database that lives in the process: opened as `:memory:`, or without a file by a package for which that means the same. */
function isMemoryDatabase(sources: Sources, thing: Thing): boolean {
  const { node, from } = thing;
  if (thing.kind !== 'external' || (!ts.isNewExpression(node) && !ts.isCallExpression(node))) return false;
  const args = node.arguments ?? [];
  if (args.length === 0) {
    const module = from?.module ?? '';
    // `await initSqlJs()` loads the package, which opens nothing yet.
    return module === 'sql.js'
      ? ts.isNewExpression(node)
      : /^(?:better-sqlite3|bun:sqlite|node:sqlite|duckdb)$/.test(module);
  }
  return args.some((argument) => {
    const declaration = sources.symbolOf(argument)?.valueDeclaration;
    return /['"`](?::memory:|file::memory:)/.test(declaration?.getText() ?? argument.getText());
  });
}
