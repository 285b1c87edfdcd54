import { describe, expect, it, onTestFinished } from 'vitest';
import {
  call,
  connect,
  post,
  type Service,
  type ServiceOptions,
  startService,
  until,
} from '../runtime/service.js';
import { json, serve } from './loopback.js';
import { freePort } from './programs.js';

const tools = `
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';
export function createServer() {
  const server = new McpServer({ name: 'tools', version: '1.0.0' });
  server.registerTool('good', {}, () => ({ content: [{ type: 'text', text: 'ok' }] }));
  server.registerTool('bad', {}, () => ({ isError: true, content: [{ type: 'text', text: 'no' }] }));
  server.registerTool('slow', { inputSchema: { ms: z.number() } }, async ({ ms }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return { content: [] };
  });
  return server;
}
`;

async function start(given: Omit<ServiceOptions, 'server'>): Promise<Service> {
  const service = await startService({ server: tools, ...given });
  onTestFinished(() => service.stop());
  return service;
}

describe('metrics', () => {
  /** A running service, and how to read one of its samples. */
  async function measured(given: Omit<ServiceOptions, 'server'> = {}) {
    const port = String(await freePort());
    const service = await start({
      ...given,
      options: { metrics: true },
      env: { METRICS_PORT: port, ...given.env },
    });
    const scrape = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const sample = async (name: string): Promise<number> => {
      const line = (await scrape()).split('\n').find((each) => each.startsWith(`${name} `));
      return line === undefined ? Number.NaN : Number(line.slice(name.length + 1));
    };
    return { service, scrape, sample, port };
  }

  it('count calls by tool and outcome, and how long they took', async () => {
    const { service, sample } = await measured();
    const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    await post(service, list);
    for (const name of ['good', 'good', 'bad', 'invented-1', 'invented-2']) await post(service, call(name));
    await post(service, call('slow', { ms: 120 }));
    expect(await sample('mcp_tool_calls_total{tool="good",status="ok"}')).toBe(2);
    expect(await sample('mcp_tool_calls_total{tool="bad",status="tool_error"}')).toBe(1);
    expect(await sample('mcp_tool_calls_total{tool="other",status="tool_error"}')).toBe(2);
    expect(await sample('mcp_tool_call_duration_seconds_bucket{le="0.1",tool="slow"}')).toBe(0);
    expect(await sample('mcp_tool_call_duration_seconds_bucket{le="1",tool="slow"}')).toBe(1);
    expect(await sample('mcp_requests_total{method="tools/list",status="ok"}')).toBe(1);
    expect(await sample('mcp_http_responses_total{code="200"}')).toBe(7);
    expect(await sample('mcp_ready')).toBe(1);
    expect(await sample('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0);
    expect(await sample('process_start_time_seconds')).toBeGreaterThan(0);
  });

  it('see what is refused before it is a call', async () => {
    const { service, sample } = await measured({ env: { RATE_LIMIT_PER_MINUTE: '1' } });
    await post(service, call('good'));
    await post(service, call('good'));
    await post(service, call('good'));
    expect(await sample('mcp_http_responses_total{code="429"}')).toBe(2);
  });

  it('see sessions and requests in flight', async () => {
    const { service, sample } = await measured({ seam: { sessions: 'stateful' } });
    const { client, transport } = await connect(service);
    const calling = client.callTool({ name: 'slow', arguments: { ms: 600 } });
    await until(async () => (await sample('mcp_in_flight_requests')) >= 1);
    expect(await sample('mcp_sessions')).toBe(1);
    await calling;
    await transport.terminateSession();
    await client.close();
    await until(async () => (await sample('mcp_sessions')) === 0);
  });

  it('are on a port of their own, which serves nothing else and is gone after the drain', async () => {
    const { service, port } = await measured();
    expect((await fetch(`${service.url}/metrics`)).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${port}/mcp`, { method: 'POST' })).status).toBe(404);
    service.child.kill('SIGTERM');
    expect(await service.exited()).toBe(0);
    await expect(fetch(`http://127.0.0.1:${port}/metrics`)).rejects.toThrow();
  });
});

describe('tracing', () => {
  interface Exported {
    readonly resourceSpans?: readonly {
      readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
    }[];
    readonly resourceMetrics?: readonly unknown[];
  }
  interface Span {
    readonly name: string;
    readonly traceId: string;
    readonly parentSpanId?: string;
    readonly kind: number;
    readonly status: { readonly code?: number };
    readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
  }

  it('sends a span for each operation, a child of the caller’s, and durations', async () => {
    const collector = await serve((_asked, response) => json(response, 200, {}));
    const service = await start({
      options: { tracing: true },
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SERVICE_NAME: 'weather' },
    });
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const _meta = { traceparent: `00-${traceId}-b7ad6b7169203331-01` };
    const traced = {
      jsonrpc: '2.0',
      id: 9,
      method: 'tools/call',
      params: { name: 'good', arguments: {}, _meta },
    };
    expect((await post(service, traced)).status).toBe(200);
    await post(service, call('bad'));
    await post(service, { jsonrpc: '2.0', id: 3, method: 'tools/list' });
    service.child.kill('SIGTERM');
    expect(await service.exited()).toBe(0);
    const bodies = collector.asked.map(({ body }) => JSON.parse(body) as Exported);
    const spans = bodies.flatMap(({ resourceSpans = [] }) =>
      resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
    );
    const attributes = (span?: Span) =>
      Object.fromEntries((span?.attributes ?? []).map(({ key, value }) => [key, Object.values(value)[0]]));
    const [good, bad, list] = ['tools/call good', 'tools/call bad', 'tools/list'].map((name) =>
      spans.find((span) => span.name === name),
    );
    expect(good).toMatchObject({ traceId, parentSpanId: 'b7ad6b7169203331', kind: 2 });
    expect(attributes(good)).toMatchObject({
      'mcp.method.name': 'tools/call',
      'gen_ai.tool.name': 'good',
      'gen_ai.operation.name': 'execute_tool',
      'jsonrpc.request.id': '9',
    });
    expect(bad?.status.code).toBe(2);
    expect(attributes(bad)).toMatchObject({ 'error.type': 'tool_error' });
    expect(list?.traceId).not.toBe(traceId);
    expect(JSON.stringify(bodies)).toContain('mcp.server.operation.duration');
    expect(JSON.stringify(bodies)).toContain('"stringValue":"weather"');
  });

  it('does not hold anybody up when there is no collector', async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' };
    const service = await start({ options: { tracing: true }, env });
    expect((await post(service, call('good'))).status).toBe(200);
    const begun = performance.now();
    service.child.kill('SIGTERM');
    expect(await service.exited()).toBe(0);
    expect(performance.now() - begun).toBeLessThan(12_000);
  });
});
