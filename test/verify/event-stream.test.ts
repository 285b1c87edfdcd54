import { expect, it } from 'vitest';
import { readEvents, type ServerEvent } from '../../src/verify/client/event-stream.js';

async function read(chunks: readonly string[]): Promise<ServerEvent[]> {
  async function* body() {
    yield* chunks;
  }
  const events: ServerEvent[] = [];
  for await (const event of readEvents(body())) events.push(event);
  return events;
}

const TEXT =
  ': hello\r\n\r\nid: 7\r\nevent: message\r\ndata: {"a":\r\ndata: 1}\r\n\r\ndata:no space\n\ndata: unfinished';
const EVENTS = [{}, { id: '7', event: 'message', data: '{"a":\n1}' }, { data: 'no space' }];

it('reads events with any line ends, data over several lines, and drops what is unfinished', async () => {
  expect(await read([TEXT])).toEqual(EVENTS);
});

it('reads the same events wherever the text is cut', async () => {
  for (let at = 1; at < TEXT.length; at += 1) {
    expect(await read([TEXT.slice(0, at), TEXT.slice(at)])).toEqual(EVENTS);
  }
  expect(await read([...TEXT])).toEqual(EVENTS);
});
