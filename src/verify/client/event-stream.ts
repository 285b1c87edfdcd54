/** One server-sent event; fields the sender left out are undefined. */
export interface ServerEvent {
  readonly event?: string;
  readonly id?: string;
  readonly data?: string;
}

/** The events of a `text/event-stream` body, as the HTML standard cuts them (section 9.2.6). */
export async function* readEvents(body: AsyncIterable<string>): AsyncGenerator<ServerEvent> {
  let rest = '';
  for await (const chunk of body) {
    rest += chunk;
    // a chunk that ends in \r may be the first half of \r\n
    const held = rest.endsWith('\r') ? '\r' : '';
    const blocks = rest
      .slice(0, rest.length - held.length)
      .replace(/\r\n?/g, '\n')
      .split('\n\n');
    rest = (blocks.pop() ?? '') + held;
    for (const block of blocks) yield parseEvent(block);
  }
}

function parseEvent(block: string): ServerEvent {
  const fields: Record<string, string> = {};
  for (const line of block.split('\n')) {
    const [, name, value] = /^([^:]+):? ?(.*)$/.exec(line) ?? [];
    if (name === 'data' && fields.data !== undefined) fields.data += `\n${value}`;
    else if (name) fields[name] = value ?? '';
  }
  return fields;
}
