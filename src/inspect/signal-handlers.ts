import { functionOf } from './connect.js';
import { descendants, rootOf, type Sources, ts, unwrap } from './source.js';

/** The handler of `process.on('SIGINT', handler)` and its like. */
export function signalHandlerOf(node: ts.Node): ts.Expression | undefined {
  if (!ts.isCallExpression(node)) return undefined;
  const isRegistration = /^process\s*\.\s*(?:on|once|addListener|prependListener)$/.test(
    node.expression.getText(),
  );
  const [event, handler] = node.arguments;
  return isRegistration && event && /^['"`]SIG(?:INT|TERM|HUP)['"`]$/.test(event.getText())
    ? handler
    : undefined;
}

/** What a program does when it is asked to end. */
export interface Ending {
  /** Does it more than close its connection, say so and exit? */
  readonly cleansUp: boolean;
  /** Does it use one of the names? */
  readonly uses: (names: ReadonlySet<ts.Symbol>) => boolean;
}

/** Follows the handler of a statement `process.on('SIGINT', …)` through the functions it calls; undefined for other statements. */
export function endingOf(
  sources: Sources,
  statement: ts.Statement,
  servers: ReadonlySet<ts.Symbol>,
): Ending | undefined {
  const call = ts.isExpressionStatement(statement) && signalHandlerOf(unwrap(statement.expression));
  const handler = call && functionOf(sources, call);
  if (!handler) return undefined;
  const bodies = new Set<ts.Node>([handler]);
  let cleansUp = false;
  for (const body of bodies)
    for (const call of descendants(body, ts.isCallExpression)) {
      const called = functionOf(sources, call.expression);
      if (called && !bodies.has(called)) bodies.add(called);
      cleansUp ||= !called && !isFarewell(sources, call, servers);
    }
  return {
    cleansUp,
    uses: (names) =>
      [...bodies].some((body) => [...sources.symbolsIn(body)].some((symbol) => names.has(symbol))),
  };
}

/** Calls that every handler makes: what is closed here the service closes by itself. */
function isFarewell(sources: Sources, call: ts.CallExpression, servers: ReadonlySet<ts.Symbol>): boolean {
  const text = call.expression.getText();
  if (
    /^(?:process\.(?:exit|kill|removeAllListeners|off)|(?:set|clear)(?:Timeout|Immediate))$/.test(text) ||
    /^(?:console|process\.std(?:err|out|in)|(?:this\.)?_?(?:log(?:ger)?|debug|print\w*))\b/i.test(text) ||
    /\.(?:then|catch|finally|unref)$/.test(text)
  )
    return true;
  const symbol = sources.symbolOf(rootOf(call.expression));
  return symbol !== undefined && servers.has(symbol) && /\.close$/.test(text);
}
