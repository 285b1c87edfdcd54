import type { Diagnostic, Severity } from './model.js';

/** What is said for a code; `{name}` is replaced by the argument of that name. */
interface Wording {
  readonly severity: Severity;
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

/** Every diagnostic the tool can give. Each error has a fixture or a test that triggers it. */
const wordings: Readonly<Record<string, Wording>> = {
  // reading
  'directory-missing': {
    severity: 'error',
    message: 'There is no directory "{dir}".',
    hint: 'Name the directory of your server: create-mcp-prod <dir>.',
  },
  'package-json-missing': {
    severity: 'error',
    message: 'There is no package.json in "{dir}".',
    hint: 'Run the command in the directory of your server, or name it: create-mcp-prod <dir>.',
  },
  'package-json-invalid': {
    severity: 'error',
    message: 'package.json is not valid JSON: {reason}.',
    hint: 'Correct it and run again.',
  },
  'manifest-invalid': {
    severity: 'error',
    message: '.create-mcp-prod.json cannot be read: {reason}.',
    hint: 'Restore it from version control. It is what makes updates keep your edits.',
  },
  'project-too-large': {
    severity: 'warning',
    message: 'Only the first {limit} files were read; {file} and what follows were not.',
    hint: 'Name the package that holds the server: create-mcp-prod <dir>.',
  },
  'file-too-large': {
    severity: 'info',
    message: '{file} is larger than {limit} and was not read.',
    hint: 'Nothing to do, unless the server needs it.',
  },
  'program-too-large': {
    severity: 'error',
    message:
      'What clients share could not be found out: the values of this program go so many ways that following them would take too long.',
    hint: 'Name the module of a smaller program with --entry, or serve each client with a process of its own.',
  },
  'not-converted': {
    severity: 'error',
    message: 'This project has not been converted: there is no .create-mcp-prod.json.',
    hint: 'Convert it first: create-mcp-prod {dir}.',
  },
  'already-converted': {
    severity: 'info',
    message: 'This project was converted by create-mcp-prod {version}.',
    hint: 'Prove it with create-mcp-prod verify, or change what it has with the same flags as before.',
  },

  // planning
  'path-taken': {
    severity: 'error',
    message: '{file} exists already and would be overwritten.',
    hint: 'Move it, or choose another directory with --out.',
  },
  'path-kept': {
    severity: 'warning',
    message: '{file} exists already; yours is kept.',
    hint: 'Compare it with what the README section says about the HTTP service, or remove it and run again.',
  },
  'file-kept': {
    severity: 'warning',
    message: '{file} is no longer generated, but you have edited it; it is kept.',
    hint: 'Remove it when you no longer need it.',
  },
  'update-conflict': {
    severity: 'error',
    message: 'Your edits of {file} and the new version change the same lines.',
    hint: 'Restore the generated text at this place, update, and edit it again.',
  },
  'script-moved': {
    severity: 'warning',
    message: 'package.json had a script "{script}" of its own; it is now "{kept}": {command}',
    hint: '"{script}" starts the new HTTP service. Point what used the old one to "{kept}".',
  },
  'dependency-conflict': {
    severity: 'error',
    message: 'The project wants {name} {has}; the HTTP service needs {needs}.',
    hint: 'Bring {name} to {needs} first.',
  },
  'dependency-raised': {
    severity: 'info',
    message: '{name} is raised from {has} to {needs}.',
    hint: 'The HTTP service needs what this version brings.',
  },
  'format-checked': {
    severity: 'error',
    message:
      'The build runs {command}, and would stop at files that the project’s formatter has not seen yet.',
    hint: 'Take that out of the build script (a script of its own can run it), convert, and run the formatter.',
  },
  'builtin-bundled': {
    severity: 'error',
    message:
      'This configuration has Vite bundle everything else for a browser, where node:async_hooks is empty; it keeps apart what each client has for itself.',
    hint: 'Add "node:async_hooks" to external (or /^node:/, for all that Node brings), then run this again.',
  },
  'build-constant': {
    severity: 'error',
    message: '{name} is put in by the project’s own bundler ({config}); the service has a bundle of its own.',
    hint: 'Read it while the program runs, from package.json or the environment, say.',
  },
  'database-not-wired': {
    severity: 'warning',
    message:
      'The server reaches its database by {clients}; --database postgres does not configure those connections.',
    hint: 'It adds a pg pool for tools that import database() from {module}. If none does, leave it out.',
  },
  'option-fixed': {
    severity: 'error',
    message: 'The project was converted with {flag} {has}, and its sources depend on it.',
    hint: 'Leave out {flag}, or revert the conversion and convert again.',
  },

  // applying
  'git-dirty': {
    severity: 'error',
    message: 'Files that would change have uncommitted changes: {files}.',
    hint: 'Commit or stash them, or pass --allow-dirty.',
  },
  'changed-meanwhile': {
    severity: 'error',
    message: '{file} has changed since it was read.',
    hint: 'Run again.',
  },
  'path-outside': {
    severity: 'error',
    message: '{file} lies outside the project.',
    hint: 'Choose a directory inside it with --out.',
  },
  'symlink-outside': {
    severity: 'error',
    message: '{file} leads out of the project through a symbolic link.',
    hint: 'Replace the link by a directory, or choose another with --out.',
  },
  'write-failed': {
    severity: 'error',
    message: 'Writing failed, and what was written has been taken back: {reason}.',
    hint: 'Mend the cause and run again.',
  },
  'roll-back-failed': {
    severity: 'error',
    message: '{file} could not be put back: {reason}.',
    hint: 'Mend the cause and run again; {journal} holds the original and is used first.',
  },
  'recovery-blocked': {
    severity: 'error',
    message: 'An interrupted run changed {file}, and it has been edited since.',
    hint: 'Settle this file by hand ({journal} holds both sides), then delete {journal}.',
  },
  'run-recovered': {
    severity: 'info',
    message: 'An earlier run was interrupted while writing. Its changes were taken back.',
    hint: 'Nothing to do.',
  },

  // installing and building
  // What the inspection and the rewriter find.
  'server-not-found': {
    severity: 'error',
    message:
      'No MCP server over stdio was found: nothing connects a StdioServerTransport of @modelcontextprotocol/sdk.',
    hint: 'Name the file that starts it with --entry <file>.',
  },
  'entry-not-found': {
    severity: 'error',
    message: 'The file {entry} is not a source of this project.',
    hint: 'Name a source file inside the project: --entry src/index.ts.',
  },
  'source-not-parsed': {
    severity: 'error',
    message: 'This file cannot be parsed: {reason}. A program that loads it does not start.',
    hint: 'Correct it, or name the file that starts the server with --entry <file>.',
  },
  'stdio-transport-not-found': {
    severity: 'error',
    message: 'This entry never constructs the StdioServerTransport of the SDK.',
    hint: 'Name the file that does with --entry <file>.',
  },
  framework: {
    severity: 'error',
    message: 'The server is built on {framework}, which hides the SDK server that would be served over HTTP.',
    hint: '{advice}',
  },
  'import-not-found': {
    severity: 'error',
    message:
      'The source of {specifier} is not found in the project, so what it keeps of one client is not known.',
    hint: 'Import it by its relative path, or say where its source is in tsconfig’s "paths".',
  },
  'connect-not-found': {
    severity: 'error',
    message: 'The stdio transport made here is not handed to a server by a call that can be followed.',
    hint: 'Call server.connect(transport) with it directly, then run this again.',
  },
  'connect-ambiguous': {
    severity: 'error',
    message: 'Two calls connect a server over stdio: here and at {other}.',
    hint: 'Name the file that starts the one you mean with --entry, or leave one connect.',
  },
  'entry-not-followed': {
    severity: 'error',
    message:
      'How the program gets from its start to the connect at {connect} cannot be followed through this function.',
    hint: 'Call the function that connects once, directly, without arguments taken from a callback.',
  },
  'arguments-needed': {
    severity: 'error',
    message:
      'The server asks for command line arguments here, and nobody types them when an HTTP service starts.',
    hint: 'Say what it gets: --args "…".',
  },
  'arguments-inferred': {
    severity: 'info',
    message: 'The program serves stdio only when it is started with {arguments}: so is the service.',
    hint: 'What else it should get goes there, too: --args "{arguments} …".',
  },
  'arguments-read': {
    severity: 'info',
    message: 'The program reads its command line arguments here; the HTTP service starts it without any.',
    hint: 'Where they change what it answers, say what it gets: --args "…".',
  },
  'registered-when-loaded': {
    severity: 'error',
    message:
      'This registers on the server when its module is loaded by import(), which happens once and not for each client.',
    hint: 'Export a function that takes the server and registers, and call it after import(); where import() starts the whole program, name that module with --entry; or give every session a worker of its own with --isolation worker.',
  },
  'clean-up-left': {
    severity: 'warning',
    message:
      'What is done here on a signal, besides closing the connection, is not done when the HTTP service ends: it uses the stdio transport.',
    hint: 'Close the server only, which closes its transport; then the service does the rest, too.',
  },
  'served-otherwise': {
    severity: 'info',
    message:
      'What serves MCP over another transport here stays in the stdio program: the HTTP service does not open it.',
    hint: 'Nothing to do: the service answers at /mcp in its place.',
  },
  'module-too-old': {
    severity: 'error',
    message: 'The tsconfig compiles to modules of {module}, which have no import().',
    hint: 'Set "module" to "ES2020" or newer, then run this again.',
  },
  'interop-needed': {
    severity: 'error',
    message:
      'This tsconfig checks the types of packages, without "esModuleInterop", which those of the service need.',
    hint: 'Set "esModuleInterop": true or "skipLibCheck": true, then run this again.',
  },
  'early-return': {
    severity: 'error',
    message:
      'The program may return here before it connects, after preparing something that the server uses.',
    hint: 'Decide what to run first, in a function of its own, and prepare the server in another.',
  },
  'declared-in-block': {
    severity: 'error',
    message: '{name} is declared in a block around the function that connects, and the server uses it.',
    hint: 'Declare it in that function, or outside of the block.',
  },
  'assigned-from-stdio': {
    severity: 'error',
    message: 'The part of the program that is for stdio only changes {name} here, which the server reads.',
    hint: '{wayOut}, or give the server what it needs in another way.',
  },
  'async-at-module-level': {
    severity: 'error',
    message: 'The server is prepared asynchronously, and this CommonJS module uses it outside a function.',
    hint: 'Move what uses the server into the function that connects it.',
  },
  'state-not-isolated': {
    severity: 'error',
    message:
      '{name} keeps something of one client that another would see, and it is declared in a way that cannot be separated.',
    hint: '{wayOut}',
  },
  'start-not-repeatable': {
    severity: 'error',
    message:
      'The program comes from here to the connect at {connect}, and on the way changes what each client has for itself.',
    hint: 'Move that change into the function that connects, which every client goes through.',
  },
  'transport-changed': {
    severity: 'error',
    message: 'What the stdio transport does with messages here would not be done over HTTP.',
    hint: 'Do it in the server (in its handlers, or around them), or give every session a worker of its own with --isolation worker, which keeps the stdio transport.',
  },
  'transport-needed': {
    severity: 'error',
    message:
      'What is done here for each client needs the transport of the stdio program, which other clients do not have.',
    hint: 'Do it with the server alone (server.server.sendLoggingMessage(…), say), or give every session a worker of its own with --isolation worker, which keeps the stdio transport.',
  },
  'port-per-client': {
    severity: 'error',
    message: 'The server of every client would listen on port {port} here, and only one of them can.',
    hint: 'Listen once, before the server is built, and hand it to the servers; or listen on port 0; or listen for its error event, where a server can do without it.',
  },
  'credential-not-followed': {
    severity: 'error',
    message: 'What is made of {name} here would be the same for all callers, who send their own.',
    hint: 'Read it in a function that is called while a client is served, keep it in the environment (name the others with --credential-header), or give every session a worker of its own with --isolation worker.',
  },
  'credential-only-checked': {
    severity: 'error',
    message:
      '{name} is only looked for here; a package reads it from the environment by itself, the same for all callers.',
    hint: 'Hand it to the package (new Client({ apiKey: process.env.{name} })), or give every session a worker of its own with --isolation worker.',
  },
  'credential-unknown': {
    severity: 'error',
    message: 'Nothing in the sources reads {name} from the environment.',
    hint: 'Name variables that the server reads: --credential-header NAME=header-name.',
  },
  'credential-header-unusable': {
    severity: 'error',
    message: '{name} cannot be sent in the header {header}: {reason}.',
    hint: 'Name another: --credential-header {name}=x-….',
  },
  'credentials-missing': {
    severity: 'error',
    message: 'The server reads nothing from the environment that looks like a credential.',
    hint: 'Name the variables that callers send: --credential-header NAME=header-name.',
  },
  'sessions-needed': {
    severity: 'error',
    message: 'Stateless would break this server: {because}.',
    hint: 'Leave out --sessions stateless{otherwise}.',
  },
  'worker-unusable': {
    severity: 'error',
    message: 'A session cannot have a worker of its own: {reason}.',
    hint: '{advice}, or leave out --isolation worker.',
  },
  'share-impossible': {
    severity: 'error',
    message: 'With --isolation worker every client has everything for itself; {flag} cannot be kept.',
    hint: 'Leave out {flag}, or --isolation worker.',
  },
  'sdk-old': {
    severity: 'warning',
    message:
      '@modelcontextprotocol/sdk {range} is older than 1.26, the first release without CVE-2026-25536.',
    hint: 'The service is not affected: it never shares a server between clients. Raise the SDK when you can.',
  },

  'install-failed': {
    severity: 'error',
    message: '{command} failed: {reason}',
    hint: 'The changes are in place. Mend the cause, run {command}, then create-mcp-prod verify.',
  },
  'build-failed': {
    severity: 'error',
    message: '{command} failed: {reason}',
    hint: 'The changes are in place. Mend the cause, run {command}, then create-mcp-prod verify.',
  },
  'baseline-broken': {
    severity: 'error',
    message: '{command} fails before the conversion: {reason}',
    hint: 'Make it pass first, or convert the project as it is with --no-verify.',
  },
};

export interface Worded extends Wording {
  readonly code: string;
}

/** Severity, sentence and hint of a diagnostic, with its arguments filled in. */
export function word(diagnostic: Diagnostic): Worded {
  const wording = wordings[diagnostic.code];
  if (!wording) throw new Error(`diagnostic without wording: ${diagnostic.code}`);
  const fill = (text: string) => text.replace(/\{(\w+)\}/g, (_, name: string) => diagnostic.args[name] ?? '');
  return {
    code: diagnostic.code,
    severity: wording.severity,
    message: fill(wording.message),
    hint: fill(wording.hint),
  };
}

/** Does this diagnostic stop the conversion? */
export const isError = (diagnostic: Diagnostic): boolean => word(diagnostic).severity === 'error';

/** Every code there is, for tests that want each of them seen. */
export const allCodes: readonly string[] = Object.keys(wordings);
