/** Where a run speaks: a terminal with questions and progress, or plain lines. */

import type { Entry, Inspection, Options } from './model.js';
import type { Look } from './report.js';

/** Work that takes a while; `tell` hears what it is at. */
export type Work<T> = (tell: (line: string) => void) => Promise<T>;

export interface Screen {
  readonly look: Look;
  /** A block of the report. */
  show(title: string, body: string): void;
  /** Findings and results that even `--quiet` wants to see. */
  warn(body: string): void;
  step<T>(title: string, work: Work<T>): Promise<T>;
  close(message: string): void;
  /** Only where somebody can answer. */
  readonly ask?: Questions;
}

export interface Questions {
  entry(candidates: readonly Entry[]): Promise<string>;
  /** Asks what flags and inspection left open. */
  options(inspection: Inspection, given: Partial<Options>): Promise<Partial<Options>>;
  proceed(question: string): Promise<boolean>;
}

/** Somebody pressed Ctrl-C or Escape at a question, or answered no. */
export class Cancelled extends Error {}

/** Plain lines for logs, pipes and CI. */
export function plainScreen(stream: NodeJS.WritableStream, look: Look, quiet: boolean): Screen {
  const say = (text: string) => {
    if (!quiet) stream.write(`${text}\n`);
  };
  return {
    look,
    show: (title, body) => say(`${look.paint('bold', title)}\n${indent(body)}\n`),
    warn: (body) => void stream.write(`${body}\n\n`),
    step: async (title, work) => {
      say(`${title} …`);
      return work(() => {});
    },
    close: say,
  };
}

const indent = (text: string): string => text.replace(/^(?=.)/gm, '  ');
