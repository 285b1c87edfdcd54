import { functionOf } from '../inspect/calls.js';
import { descendants, type Sources, ts } from '../inspect/source.js';
import { assignedIn } from '../inspect/statement-names.js';

/**
 * `if (config.http) { app.post('/mcp', …); app.listen(PORT); }` after the connect: the program serves MCP over a transport
 * of its own as well, which the HTTP service does in its place. It would find the port taken, and two ways in.
 */
export const servesOtherwise = (sources: Sources, statement: ts.Statement): boolean =>
  assignedIn(sources, statement).length === 0 && connectsOtherwise(sources, statement, new Set());

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
