/** The terminal with questions. The only file that knows clack. */

import * as clack from '@clack/prompts';
import type { Entry, Inspection, Options, StateBinding } from './model.js';
import { type Choice, optionTable } from './options.js';
import type { Look } from './report.js';
import { Cancelled, type Questions, type Screen } from './screen.js';

export function terminalScreen(look: Look, title: string): Screen {
  clack.intro(look.paint('inverse', ` ${title} `));
  return {
    look,
    show: (heading, body) => clack.log.message(`${look.paint('bold', heading)}\n${body}`),
    warn: (body) => clack.log.message(body),
    step: async (heading, work) => {
      const spinner = clack.spinner();
      process.on('exit', interrupted);
      spinner.start(heading);
      const room = look.width - heading.length - 10;
      try {
        const result = await work((line) => {
          const tail = plain(line).slice(0, Math.max(room, 0));
          if (tail) spinner.message(`${heading} ${look.paint('dim', tail)}`);
        });
        spinner.stop(heading);
        return result;
      } catch (error) {
        spinner.error(heading);
        throw error;
      } finally {
        process.off('exit', interrupted);
      }
    },
    close: (message) => clack.outro(message),
    ask: questions,
  };
}

/** The spinner answers Ctrl-C by exiting with 0; leaving in the middle of a step is no success. */
function interrupted(): void {
  process.exitCode = 1;
}

/** Escape sequences in the output of other programs would move the cursor under the spinner. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what escape sequences are
const plain = (line: string): string => line.replace(/\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x1f]/g, '').trim();

const questions: Questions = {
  entry: (candidates: readonly Entry[]) =>
    answer(
      clack.select({
        message: 'Which file starts the stdio server?',
        options: candidates.map((one) => ({ value: one.file, label: one.file, hint: one.because })),
      }),
    ),
  options: askOpen,
  proceed: (question) => answer(clack.confirm({ message: question })),
};

async function answer<T>(question: Promise<T | typeof clack.CANCEL_SYMBOL>): Promise<T> {
  const given = await question;
  if (clack.isCancel(given)) throw new Cancelled();
  return given;
}

/** Deployment files, asked for together: each is a switch of its own. */
const FILES = ['docker', 'compose', 'kubernetes', 'metrics', 'tracing'] as const;

async function askOpen(inspection: Inspection, given: Partial<Options>): Promise<Partial<Options>> {
  const answers: Record<string, unknown> = {};
  const isolated = inspection.state.filter((one) => one.decision === 'isolate');
  if (isolated.length > 0 && given.state === undefined && given.share === undefined) {
    answers.share = await askShared(isolated);
  }
  for (const row of optionTable) {
    if (!row.question || given[row.key] !== undefined || row.asks?.(inspection) === false) continue;
    answers[row.key] = await askChoice(row.question, row.choices ?? [], String(row.fallback));
  }
  if (FILES.every((key) => given[key] === undefined)) Object.assign(answers, await askFiles());
  return answers as Partial<Options>;
}

function askChoice(message: string, choices: readonly Choice[], initialValue: string): Promise<string> {
  const options = choices.map(({ value, hint }) => ({ value, label: value, hint }));
  return answer(clack.select({ message, options, initialValue }));
}

async function askShared(isolated: readonly StateBinding[]): Promise<readonly string[]> {
  const options = isolated.map((one) => ({
    value: one.name,
    label: one.name,
    hint: `${one.at.file}:${one.at.line} ${one.kind}`,
  }));
  const message = 'Every client gets its own of these. Which may all clients share?';
  return answer(clack.multiselect({ message, options, required: false }));
}

async function askFiles(): Promise<Partial<Options>> {
  const rows = FILES.map((key) => optionTable.find((row) => row.key === key)).filter(
    (row) => row !== undefined,
  );
  const chosen: string[] = await answer(
    clack.multiselect({
      message: 'What else should it have?',
      options: rows.map((row) => ({ value: row.key as string, label: row.description })),
      initialValues: rows.filter((row) => row.fallback === true).map((row) => row.key as string),
      required: false,
    }),
  );
  return Object.fromEntries(FILES.map((key) => [key, chosen.includes(key)]));
}
