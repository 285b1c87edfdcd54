import { functionOf } from '../inspect/calls.js';
import { descendants, type Sources, ts } from '../inspect/source.js';
import { assignedIn, namesOf } from '../inspect/statement-names.js';

/**
 * The statements after the connect like `if (config.http) { app.post('/mcp', …); app.listen(PORT); }`: the program serves MCP over a transport
 * of its own as well, which the HTTP service does in its place. It would find the port taken, and two ways in.
 */
export function servingOtherwise(
  sources: Sources,
  after: readonly ts.Statement[],
): ReadonlySet<ts.Statement> {
  const mayStay = after.filter((one) => assignedIn(sources, one).length === 0);
  const found = new Set(mayStay.filter((one) => connectsOtherwise(sources, one, new Set())));
  const declared = namesOf(sources, new Set(mayStay));
  const namesIn = (one: ts.Statement): ts.Symbol[] =>
    [...sources.symbolsIn(one), ...namesOf(sources, new Set([one]))].filter((name) => declared.has(name));
  // What it declares for that, and what goes on with it: `const app = express();`, `app.listen(PORT);`.
  for (const one of found) {
    const names = new Set(namesIn(one));
    for (const other of mayStay) if (namesIn(other).some((name) => names.has(name))) found.add(other);
  }
  return found;
}

function connectsOtherwise(sources: Sources, node: ts.Node, seen: Set<ts.Node>): boolean {
  const isOther = ({ expression }: ts.NewExpression): boolean => {
    const { module = '', name = '' } = sources.externalOf(expression) ?? {};
    return module.startsWith('@modelcontextprotocol/') && /(?:SSE|HTTP)ServerTransport$/.test(name);
  };
  return (
    descendants(node, ts.isNewExpression).some(isOther) ||
    descendants(node, ts.isCallExpression).some((call) => {
      const body = functionOf(sources, call.expression)?.body;
      if (!body || seen.has(body)) return false;
      seen.add(body);
      return connectsOtherwise(sources, body, seen);
    })
  );
}
