import { runsInOtherProgram } from './other-program.js';
import { descendants, enclosingFunction, type Sources, ts } from './source.js';

/**
 * The check that stops the program, or tells how to use it, when it is started without arguments:
 * `if (args.length === 0) { console.error('Usage: …'); process.exit(1); }`, `.requiredOption('--vault <path>')`.
 */
export function findNeededArguments(sources: Sources): ts.Node | undefined {
  for (const file of sources.files.values()) {
    if (!/\bargv\b/.test(file.text)) continue;
    const found =
      descendants(file, ts.isIfStatement).find(
        (check) => needsArguments(sources, check) && !runsInOtherProgram(sources, check),
      ) ??
      descendants(file, ts.isCallExpression).find(
        (call) => isRequiredByParser(call) || isRouteMap(sources, call),
      );
    if (found) return found;
  }
  return undefined;
}

function needsArguments(sources: Sources, check: ts.IfStatement): boolean {
  const { expression, thenStatement } = check;
  const text = expression.getText();
  const isEmpty =
    /\.length\s*(?:===?\s*[0-2]|<\s*[1-3]|<=\s*[0-2])\s*$/.test(text) ||
    /^!\s*\w*(?:[aA]rgs?|argv)\w*(?:\.length|\[\d\])$/.test(text);
  if (isEmpty) return (stops(thenStatement) || explainsUse(thenStatement)) && isFromArgv(sources, expression);
  // `const path = process.argv[2]; if (!path) …`
  if (/^!\s*\w+$/.test(text) && /^process\.argv\[[2-9]\]$/.test(definitionsOf(sources, expression)))
    return stops(thenStatement);
  // `if (!config.project) throw new Error('Missing required argument: --project')`
  const isMissing = /^!\s*[\w.[\]'"]+(?:\s*(?:\|\||&&)\s*![\w.[\]'"]+)*$/.test(text);
  const around = enclosingFunction(check);
  return (
    isMissing &&
    stops(thenStatement) &&
    /(?:required|missing|provide|specify|usage)[^"'`\n]*(?:\bargument|--[a-z])/i.test(
      thenStatement.getText(),
    ) &&
    /\bargv\b/.test(around?.getText() ?? check.getText()) &&
    !/\benv\b/.test(around?.getText() ?? definitionsOf(sources, expression))
  );
}

/** commander's `requiredOption` and `argument('<path>')`, yargs' `demandOption` and `demandCommand`. */
function isRequiredByParser(call: ts.CallExpression): boolean {
  if (!ts.isPropertyAccessExpression(call.expression)) return false;
  // What a command of its own asks for is not asked of the program.
  if (/\.command\(/.test(call.expression.expression.getText())) return false;
  const first = call.arguments[0]?.getText() ?? '';
  switch (call.expression.name.text) {
    case 'requiredOption':
    case 'demandOption':
      return true;
    case 'demandCommand':
      return first !== '' && first !== '0';
    case 'argument':
      return /^['"`]</.test(first) && call.arguments.length < 4;
    default:
      return false;
  }
}

/** stricli's `buildRouteMap`: without a default, nothing runs that the command line does not name. */
function isRouteMap(sources: Sources, call: ts.CallExpression): boolean {
  const callee = sources.externalOf(call.expression);
  return (
    callee?.module === '@stricli/core' &&
    callee.name === 'buildRouteMap' &&
    !/\bdefaultCommand\b/.test(call.getSourceFile().text)
  );
}

function isFromArgv(sources: Sources, expression: ts.Expression): boolean {
  return /\bprocess\.argv\b/.test(`${expression.getText()} ${definitionsOf(sources, expression)}`);
}

/** Text of the initial values of the variables in an expression. */
const definitionsOf = (sources: Sources, expression: ts.Expression): string =>
  descendants(expression, ts.isIdentifier)
    .map((identifier) => sources.symbolOf(identifier)?.valueDeclaration)
    .map((declaration) =>
      declaration && (ts.isVariableDeclaration(declaration) || ts.isParameter(declaration))
        ? (declaration.initializer?.getText() ?? '')
        : '',
    )
    .join(' ');

const stops = (statement: ts.Statement): boolean => /\bprocess\.exit\(|\bthrow\b/.test(statement.getText());

const explainsUse = (statement: ts.Statement): boolean => /['"`]\s*usage\b/i.test(statement.getText());
