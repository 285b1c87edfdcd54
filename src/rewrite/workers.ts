import { descendants, type Sources, ts } from '../inspect/source.js';
import type { Diagnostic, Inspection, Options } from '../model.js';
import { flagOf } from '../options.js';

/** What Node refuses to do in a worker, because it would change the process for everybody. */
const OF_THE_PROCESS = new Set([
  'chdir',
  'initgroups',
  'setegid',
  'seteuid',
  'setgid',
  'setgroups',
  'setuid',
]);

/** What tells the project's own workers from its main thread: in a worker, all of it would take itself for one of them. */
const OF_THE_THREAD = new Set(['isMainThread', 'parentPort', 'workerData']);

/** Why a project cannot be served by a worker for each session, if so. */
export function workerProblems(
  sources: Sources,
  { build }: Inspection,
  options: Options,
): readonly Diagnostic[] {
  const isTranspiled = build.runner === 'tsx' || build.runner === 'bun';
  return [
    ...(isTranspiled
      ? [
          {
            code: 'worker-unusable',
            args: {
              reason: `${build.runner} runs the program, and its workers lack what this needs`,
              advice: 'Compile the project, and let node run it',
            },
          },
        ]
      : []),
    ...[...sources.files.values()].flatMap((file) => unusableIn(sources, file)),
    ...contradictions(options).map((flag) => ({ code: 'share-impossible', args: { flag } })),
  ];
}

function unusableIn(sources: Sources, file: ts.SourceFile): Diagnostic[] {
  const calls = descendants(file, ts.isCallExpression).filter(({ expression, arguments: given }) => {
    if (!ts.isPropertyAccessExpression(expression)) return false;
    const { name } = expression;
    const isOfProcess = OF_THE_PROCESS.has(name.text) || (name.text === 'umask' && given.length > 0);
    return isOfProcess && /^(?:globalThis\.)?process$/.test(expression.expression.getText());
  });
  const threads = descendants(file, ts.isIdentifier).filter((name) => {
    if (!OF_THE_THREAD.has(name.text) || ts.isImportSpecifier(name.parent)) return false;
    return /^(?:node:)?worker_threads$/.test(sources.externalOf(name)?.module ?? '');
  });
  return [
    ...calls.map((call) => ({
      code: 'worker-unusable',
      at: sources.locationOf(call),
      args: {
        reason: `${call.expression.getText()}() is not possible there`,
        advice: 'Do without it (a path can be resolved against a directory of your own)',
      },
    })),
    ...threads.slice(0, 1).map((name) => ({
      code: 'worker-unusable',
      at: sources.locationOf(name),
      args: {
        reason: `the project tells its own workers from its main thread by ${name.text}`,
        advice: 'Give its workers a file of their own',
      },
    })),
  ];
}

const contradictions = ({ state, share }: Options): string[] => [
  ...(state === 'share' ? [`${flagOf('state')} share`] : []),
  ...(share.length > 0 ? [`${flagOf('share')} ${share.join(',')}`] : []),
];
