import type { Running } from '../../exec.js';
import { type Channel, type Message, parseMessages } from './message.js';

/** MCP over the pipes of a running program: one message a line. Lines that are none are the program's own talk. */
export function stdioChannel(program: Running): Channel {
  return {
    send: async (message) => {
      if (!program.writeLine(JSON.stringify(message))) throw new Error('the process closed its stdin');
    },
    onMessage: (listener: (message: Message) => void) =>
      program.onLine((line) => {
        for (const message of parseMessages(line)) listener(message);
      }),
    onGone: (listener) =>
      void program.exited.then(({ code, signal }) =>
        listener(`the process ended (${signal ?? `exit ${code}`}) ${lastLines(program.output())}`.trim()),
      ),
    agreed: async () => {},
    close: () => program.stop(),
  };
}

/** The end of what a program printed, without stack frames, for one line of a report. */
export const lastLines = (output: string): string =>
  output
    .split('\n')
    .filter((line) => line.trim() && !/^\s+at /.test(line))
    .slice(-6)
    .join(' | ')
    .slice(-500);
