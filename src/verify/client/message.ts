/** The JSON-RPC 2.0 messages of MCP, as far as a client has to look into them. */

export interface Message {
  readonly jsonrpc: '2.0';
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** One line to a server, and what comes back: newline-delimited over stdio, POST and event streams over HTTP. */
export interface Channel {
  /** Delivers a message. Resolves when everything that answers it directly has been heard. */
  readonly send: (message: Message) => Promise<void>;
  readonly onMessage: (listener: (message: Message) => void) => void;
  /** Called once when the server is gone, with a sentence that says how. */
  readonly onGone: (listener: (how: string) => void) => void;
  /** After `initialize`: the revision that was agreed. Resolves when the server can reach the client unasked. */
  readonly agreed: (protocolVersion: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** A text as messages: one, a batch, or none when it is no JSON-RPC at all. */
export function parseMessages(text: string): Message[] {
  try {
    const value: unknown = JSON.parse(text);
    const all = Array.isArray(value) ? value : [value];
    return all.filter((each): each is Message => (each as Message | null)?.jsonrpc === '2.0');
  } catch {
    return [];
  }
}
