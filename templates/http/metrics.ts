import { createServer, type Server } from 'node:http';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { z } from 'zod';
import type { Call, CallStatus, Feature, FeatureContext } from './feature.js';
import type { RpcResponse } from './json-rpc.js';
import { whole } from './settings.js';

export const metricsSettings = {
  /** A port of its own, so that what is public and what is scraped need no rules to be kept apart. */
  METRICS_PORT: whole(9464, 0, 65535),
  METRICS_HOST: z.string().optional(),
};

/** More tools than any server should have: every name is kept for ever. */
const MOST_NAMES = 1000;

/** Prometheus metrics at `/metrics` on METRICS_PORT. */
export async function createMetrics({ config, logger, gauges, measure }: FeatureContext): Promise<Feature> {
  const registry = new Registry();
  const meters = createMeters(registry);
  watch(registry, gauges, measure);
  const server = createServer((request, response) => {
    if (request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      (error: unknown) => {
        logger.error({ err: error }, 'Metrics could not be collected');
        response.writeHead(500).end();
      },
    );
  });
  server.requestTimeout = 5000;
  await listen(server, config.METRICS_PORT, config.METRICS_HOST ?? config.HOST);
  const tools = boundedNames();
  return {
    name: 'metrics',
    observe(call: Call, status: CallStatus, milliseconds: number): void {
      const { method, params } = call.request;
      meters.requests.inc({ method: KNOWN_METHODS.has(method) ? method : 'other', status });
      if (method !== 'tools/call') return;
      const name = params?.['name'];
      const tool = status === 'ok' ? tools.add(name) : tools.known(name);
      meters.toolCalls.inc({ tool, status });
      meters.toolSeconds.observe({ tool }, milliseconds / 1000);
    },
    async around(call: Call, next: () => Promise<RpcResponse>): Promise<RpcResponse> {
      const response = await next();
      if (call.request.method === 'tools/list' && 'result' in response) {
        const listed = response.result['tools'];
        if (Array.isArray(listed)) for (const tool of listed) tools.add((tool as { name?: unknown }).name);
      }
      return response;
    },
    responded(status: number, milliseconds: number): void {
      meters.responses.inc({ code: String(status) });
      meters.responseSeconds.observe(milliseconds / 1000);
    },
    async close(): Promise<void> {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

const KNOWN_METHODS: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'resources/subscribe',
  'resources/unsubscribe',
  'prompts/list',
  'prompts/get',
  'completion/complete',
  'logging/setLevel',
  'server/discover',
]);

function createMeters(registry: Registry) {
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
  return {
    requests: new Counter({
      name: 'mcp_requests_total',
      help: 'JSON-RPC requests by method and outcome (ok, tool_error, error)',
      labelNames: ['method', 'status'],
      registers,
    }),
    toolCalls: new Counter({
      name: 'mcp_tool_calls_total',
      help: 'Tool calls by outcome; tool_error is a result that says isError',
      labelNames: ['tool', 'status'],
      registers,
    }),
    toolSeconds: new Histogram({
      name: 'mcp_tool_call_duration_seconds',
      help: 'Duration of tool calls',
      labelNames: ['tool'],
      buckets,
      registers,
    }),
    responses: new Counter({
      name: 'mcp_http_responses_total',
      help: 'HTTP answers of /mcp by status code',
      labelNames: ['code'],
      registers,
    }),
    responseSeconds: new Histogram({
      name: 'mcp_http_response_duration_seconds',
      help: 'From the first byte of a request to the last of its answer',
      buckets,
      registers,
    }),
  } as const;
}

/** Numbers that are read when they are asked for. */
function watch(
  registry: Registry,
  gauges: FeatureContext['gauges'],
  measure: FeatureContext['measure'],
): void {
  const registers = [registry];
  const read = {
    mcp_in_flight_requests: 'inFlight',
    mcp_sessions: 'sessions',
    mcp_streams: 'streams',
  } as const;
  const help = {
    inFlight: 'Requests being answered',
    sessions: 'Open sessions',
    streams: 'Open streams',
  } as const;
  for (const [name, field] of Object.entries(read)) {
    new Gauge({
      name,
      help: help[field],
      registers,
      collect() {
        this.set(gauges()[field]);
      },
    });
  }
  new Gauge({
    name: 'mcp_ready',
    help: 'What /readyz said last',
    registers,
    collect() {
      this.set(gauges().ready ? 1 : 0);
      for (const { name, help: text, labels = {}, value } of measure()) {
        const known = registry.getSingleMetric(name) as Gauge | undefined;
        const gauge = known ?? new Gauge({ name, help: text, labelNames: Object.keys(labels), registers });
        gauge.set(labels, value);
      }
    },
  });
}

/**
 * Names of tools as labels. Callers can invent names, so only those that were listed or that have answered once
 * are told apart.
 */
function boundedNames(): { add(name: unknown): string; known(name: unknown): string } {
  const names = new Set<string>();
  const known = (name: unknown): string => (typeof name === 'string' && names.has(name) ? name : 'other');
  return {
    known,
    add(name) {
      if (typeof name === 'string' && names.size < MOST_NAMES) names.add(name);
      return known(name);
    },
  };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      server.unref();
      resolve();
    });
  });
}
