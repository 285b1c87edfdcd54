import type { EnvRead, ProcessGlue, SessionFeature, SurfaceItem } from '../model.js';
import { functionOf } from './calls.js';
import { signalHandlerOf } from './signal-handlers.js';
import { descendants, enclosingFunction, rootOf, type Sources, ts, unwrap } from './source.js';

const REGISTERS: Readonly<Record<string, SurfaceItem['kind']>> = {
  tool: 'tool',
  registerTool: 'tool',
  resource: 'resource',
  registerResource: 'resource',
  prompt: 'prompt',
  registerPrompt: 'prompt',
};

/** Tools, resources and prompts whose names stand in the sources: registrations, and literals of tool lists. */
export function findSurface(sources: Sources): SurfaceItem[] {
  const found: SurfaceItem[] = [];
  for (const file of sources.files.values())
    for (const call of descendants(file, ts.isCallExpression)) {
      const kind = ts.isPropertyAccessExpression(call.expression)
        ? REGISTERS[call.expression.name.text]
        : undefined;
      const name = call.arguments[0];
      if (kind && name && ts.isStringLiteralLike(name) && call.arguments.length > 1)
        found.push({ kind, name: name.text, at: sources.locationOf(call) });
    }
  const registered = new Set(found.map((item) => item.name));
  for (const file of sources.files.values())
    for (const literal of descendants(file, ts.isObjectLiteralExpression)) {
      const property = (name: string) =>
        literal.properties.find((one) => one.name?.getText().replace(/['"]/g, '') === name);
      const name = property('name');
      if (
        !name ||
        !property('inputSchema') ||
        !ts.isPropertyAssignment(name) ||
        !ts.isStringLiteralLike(name.initializer) ||
        registered.has(name.initializer.text)
      )
        continue;
      registered.add(name.initializer.text);
      found.push({ kind: 'tool', name: name.initializer.text, at: sources.locationOf(literal) });
    }
  return found;
}

const SECRET =
  /(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PWD|CREDENTIAL|PAT|AUTH|DSN|DATABASE_URL|CONNECTION_STRING)(?:_|$)/i;
const AMBIENT = new Set([
  'NODE_ENV',
  'HOME',
  'PATH',
  'USERPROFILE',
  'PWD',
  'TMPDIR',
  'TEMP',
  'TMP',
  'APPDATA',
  'LOCALAPPDATA',
  'XDG_CONFIG_HOME',
  'XDG_CACHE_HOME',
  'XDG_DATA_HOME',
  'SHELL',
  'USER',
  'CI',
  'DEBUG',
  'PORT',
  'HOST',
  'LOG_LEVEL',
  'NODE_OPTIONS',
  'npm_package_version',
]);

/** Variables the project reads from the environment, and whether it stops at once without them. */
export function findEnv(sources: Sources): EnvRead[] {
  const found = new Map<string, EnvRead>();
  for (const file of sources.files.values()) {
    if (!/\benv\b/.test(file.text)) continue;
    const add = (name: string, node: ts.Node): void => {
      if (AMBIENT.has(name) || !/^[A-Za-z_]\w*$/.test(name)) return;
      const required = requiredAtStart(sources, node);
      const known = found.get(name);
      if (!known)
        found.set(name, { name, at: sources.locationOf(node), required, secret: SECRET.test(name) });
      else if (required && !known.required) found.set(name, { ...known, required });
    };
    for (const node of descendants(file, ts.isPropertyAccessExpression))
      if (isProcessEnv(node.expression)) add(node.name.text, node);
    for (const node of descendants(file, ts.isElementAccessExpression))
      if (isProcessEnv(node.expression) && ts.isStringLiteralLike(node.argumentExpression))
        add(node.argumentExpression.text, node);
    for (const node of descendants(file, ts.isVariableDeclaration)) {
      if (
        !node.initializer ||
        !isProcessEnv(unwrap(node.initializer)) ||
        !ts.isObjectBindingPattern(node.name)
      )
        continue;
      for (const element of node.name.elements)
        add((element.propertyName ?? element.name).getText(), element);
    }
  }
  return [...found.values()];
}

const isProcessEnv = (node: ts.Expression): boolean =>
  node.getText() === 'process.env' || node.getText() === 'Bun.env';

/** `const KEY = process.env.KEY; if (!KEY) { …; process.exit(1) }` outside any function. */
function requiredAtStart(sources: Sources, node: ts.Node): boolean {
  if (enclosingFunction(node)) return false;
  const declaration = node.parent;
  if (ts.isPrefixUnaryExpression(declaration) && ts.isIfStatement(declaration.parent))
    return stops(declaration.parent.thenStatement);
  if (!ts.isVariableDeclaration(declaration) || !ts.isIdentifier(declaration.name)) return false;
  const symbol = sources.symbolOf(declaration.name);
  return symbol !== undefined && stopsWithout(sources, symbol);
}

/** Does the program stop at its start when the variable has no value: `if (!KEY) process.exit(1)`, alone or with others? */
export function stopsWithout(sources: Sources, symbol: ts.Symbol): boolean {
  return sources.referencesTo(symbol).some((reference) => {
    const not = reference.parent;
    if (!ts.isPrefixUnaryExpression(not) || not.operator !== ts.SyntaxKind.ExclamationToken) return false;
    let condition: ts.Expression = not;
    while (
      ts.isBinaryExpression(condition.parent) &&
      condition.parent.operatorToken.kind === ts.SyntaxKind.BarBarToken
    )
      condition = condition.parent;
    const check = condition.parent;
    return (
      ts.isIfStatement(check) &&
      check.expression === condition &&
      !enclosingFunction(check) &&
      stops(check.thenStatement)
    );
  });
}

const stops = (statement: ts.Statement): boolean =>
  /\bprocess\.exit\(\s*[1-9]|\bthrow\b/.test(statement.getText());

const FEATURE_CALLS: Readonly<Record<string, SessionFeature['feature']>> = {
  createMessage: 'sampling',
  requestSampling: 'sampling',
  elicitInput: 'elicitation',
  elicit: 'elicitation',
  listRoots: 'roots',
  sendLoggingMessage: 'logging',
  sendResourceUpdated: 'subscriptions',
  sendToolListChanged: 'list-changed',
  sendResourceListChanged: 'list-changed',
  sendPromptListChanged: 'list-changed',
  getClientCapabilities: 'client-capabilities',
  getClientVersion: 'client-capabilities',
};
const FEATURE_NAMES: Readonly<Record<string, SessionFeature['feature']>> = {
  oninitialized: 'initialized',
  SubscribeRequestSchema: 'subscriptions',
  SetLevelRequestSchema: 'logging',
  CreateMessageResultSchema: 'sampling',
  CreateMessageRequestSchema: 'sampling',
  ElicitResultSchema: 'elicitation',
  ListRootsResultSchema: 'roots',
  InitializedNotificationSchema: 'initialized',
  InitializeRequestSchema: 'initialized',
  RootsListChangedNotificationSchema: 'roots',
};

/** Uses of what only a session can carry. */
export function findSessionFeatures(sources: Sources): SessionFeature[] {
  const found: SessionFeature[] = [];
  const add = (feature: SessionFeature['feature'], node: ts.Node): void => {
    found.push({ feature, at: sources.locationOf(node) });
  };
  for (const file of sources.files.values()) {
    for (const call of descendants(file, ts.isCallExpression)) {
      if (!ts.isPropertyAccessExpression(call.expression)) continue;
      const name = call.expression.name.text;
      const feature = Object.hasOwn(FEATURE_CALLS, name) ? FEATURE_CALLS[name] : undefined;
      if (feature) add(feature, call);
      if ((name === 'notification' || name === 'sendNotification') && !isProgress(call))
        add('notifications', call);
      if (
        name === 'sendRequest' ||
        (name === 'request' &&
          call.arguments[0] &&
          ts.isObjectLiteralExpression(call.arguments[0]) &&
          /method:\s*['"](?:sampling|roots|elicitation)/.test(call.arguments[0].getText()))
      )
        add('sampling', call);
      if (
        /^(?:enable|disable|remove|update)$/.test(name) &&
        registeredHandle(sources, call.expression.expression)
      )
        add('list-changed', call);
    }
    for (const identifier of descendants(file, ts.isIdentifier)) {
      const feature = Object.hasOwn(FEATURE_NAMES, identifier.text)
        ? FEATURE_NAMES[identifier.text]
        : undefined;
      if (feature && !ts.isImportSpecifier(identifier.parent)) add(feature, identifier);
    }
    for (const literal of descendants(file, ts.isPropertyAssignment)) {
      if (
        literal.name.getText() === 'logging' &&
        /^\{\s*\}$/.test(literal.initializer.getText()) &&
        isCapabilities(literal)
      )
        add('logging', literal);
      if (literal.name.getText() === 'subscribe' && literal.initializer.kind === ts.SyntaxKind.TrueKeyword)
        add('subscriptions', literal);
    }
  }
  return found;
}

const isProgress = (call: ts.CallExpression): boolean =>
  /notifications\/(?:progress|message)/.test(call.arguments[0]?.getText() ?? '') &&
  /\bextra\b|sendNotification/.test(call.expression.getText());

const isCapabilities = (node: ts.Node): boolean =>
  ts.isObjectLiteralExpression(node.parent) &&
  ts.isPropertyAssignment(node.parent.parent) &&
  node.parent.parent.name.getText() === 'capabilities';

/** Is the receiver what `registerTool` and its like returned? */
function registeredHandle(sources: Sources, receiver: ts.Expression): boolean {
  const declaration = sources.symbolOf(rootOf(receiver))?.valueDeclaration;
  return (
    declaration !== undefined &&
    ts.isVariableDeclaration(declaration) &&
    /\.(?:registerTool|tool|registerPrompt|prompt|registerResource|resource)\(/.test(
      declaration.initializer?.getText() ?? '',
    )
  );
}

const GLUE: readonly { readonly kind: ProcessGlue['kind']; readonly pattern: RegExp }[] = [
  { kind: 'stdin', pattern: /^process\.stdin\.\w+\(/ },
  { kind: 'stdout', pattern: /^process\.stdout\.write\(/ },
  { kind: 'exit', pattern: /^process\.(?:exit|kill|abort)\(/ },
  { kind: 'interval', pattern: /^setInterval\(/ },
  { kind: 'listen', pattern: /\.listen\(/ },
  { kind: 'cwd', pattern: /^process\.(?:cwd|chdir)\(/ },
];

/** Does the project listen for uncaught exceptions without ending the process then? */
export function survivesExceptions(sources: Sources): boolean {
  const ends = (fn: ts.Node, depth = 0): boolean =>
    /\bprocess\.(?:exit|abort|kill)\b|\bthrow\b/.test(fn.getText()) ||
    (depth < 4 &&
      descendants(fn, ts.isCallExpression).some((call) => {
        const called = functionOf(sources, call.expression);
        return called !== undefined && called !== fn && ends(called, depth + 1);
      }));
  const listeners = [...sources.files.values()]
    .flatMap((file) => descendants(file, ts.isCallExpression))
    .filter(
      (call) =>
        /^process\.(?:on|once|addListener)$/.test(call.expression.getText()) &&
        /^['"`]uncaughtException['"`]$/.test(call.arguments[0]?.getText() ?? ''),
    )
    .map((call) => call.arguments[1] && functionOf(sources, call.arguments[1]));
  return listeners.length > 0 && listeners.every((listener) => listener !== undefined && !ends(listener));
}

/** What the project does to its process, which HTTP gives another meaning. */
export function findProcessGlue(sources: Sources): ProcessGlue[] {
  const found: ProcessGlue[] = [];
  for (const file of sources.files.values()) {
    for (const call of descendants(file, ts.isCallExpression)) {
      const head = call.getText().slice(0, 200);
      if (signalHandlerOf(call)) found.push({ kind: 'signal', at: sources.locationOf(call) });
      for (const { kind, pattern } of GLUE) {
        const tested = kind === 'listen' ? `${call.expression.getText().slice(-10)}(` : head;
        if (pattern.test(tested)) found.push({ kind, at: sources.locationOf(call) });
      }
    }
    for (const assignment of descendants(file, ts.isBinaryExpression)) {
      if (
        assignment.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
        /^console\.\w+$/.test(assignment.left.getText())
      )
        found.push({ kind: 'console', at: sources.locationOf(assignment) });
    }
    for (const access of descendants(file, ts.isPropertyAccessExpression))
      if (access.getText() === 'process.argv') found.push({ kind: 'argv', at: sources.locationOf(access) });
  }
  return found;
}
