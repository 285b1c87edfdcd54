import {
  type Attributes,
  context,
  metrics,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { z } from 'zod';
import type { Call, Feature, FeatureContext } from './feature.js';
import type { RpcResponse } from './json-rpc.js';

export const tracingSettings = {
  OTEL_SERVICE_NAME: z.string().default('mcp-server'),
  /** Where traces and metrics go; the exporters read this and the other OTEL_* variables themselves. */
  OTEL_EXPORTER_OTLP_ENDPOINT: z.string().url().default('http://localhost:4318'),
};

const SCOPE = 'mcp-server';
const FLUSH_MS = 5000;

/** Methods whose target is few enough to be told apart in names and metrics: tools and prompts, but not URIs. */
const TARGETS: Readonly<Record<string, string>> = {
  'tools/call': 'gen_ai.tool.name',
  'prompts/get': 'gen_ai.prompt.name',
};

/** Spans and durations of MCP operations, named as the OpenTelemetry semantic conventions for MCP say. */
export function createTracing({ config }: FeatureContext): Feature {
  const resource = defaultResource().merge(
    resourceFromAttributes({ 'service.name': config.OTEL_SERVICE_NAME }),
  );
  const tracerProvider = new NodeTracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  tracerProvider.register();
  const meterProvider = new MeterProvider({
    resource,
    readers: [new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() })],
  });
  metrics.setGlobalMeterProvider(meterProvider);
  const tracer = trace.getTracer(SCOPE);
  const duration = metrics.getMeter(SCOPE).createHistogram('mcp.server.operation.duration', {
    unit: 's',
    description: 'Duration of an MCP request as the server sees it',
    advice: { explicitBucketBoundaries: [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300] },
  });

  return {
    name: 'tracing',
    async around(call: Call, next: () => Promise<RpcResponse>): Promise<RpcResponse> {
      const started = performance.now();
      const { name, attributes } = describe(call);
      const parent = propagation.extract(ROOT_CONTEXT, call.request.params?.['_meta'] ?? {});
      const span = tracer.startSpan(
        name,
        { kind: SpanKind.SERVER, attributes: { ...attributes, ...identify(call) } },
        parent,
      );
      let failure: string | undefined = 'internal';
      try {
        const response = await context.with(trace.setSpan(parent, span), next);
        failure = judge(span, response);
        return response;
      } catch (error) {
        span.recordException(error instanceof Error ? error : String(error));
        span.setStatus({ code: SpanStatusCode.ERROR });
        throw error;
      } finally {
        const outcome = failure === undefined ? {} : { 'error.type': failure };
        span.setAttributes(outcome);
        span.end();
        duration.record((performance.now() - started) / 1000, { ...attributes, ...outcome });
      }
    },
    async close(): Promise<void> {
      // A collector that does not answer must not hold up the shutdown.
      const patience = new Promise((resolve) => setTimeout(resolve, FLUSH_MS).unref());
      const flushed = Promise.allSettled([tracerProvider.shutdown(), meterProvider.shutdown()]);
      await Promise.race([flushed, patience]);
    },
  };
}

/** What was called: few values, so that it can be an attribute of a metric as well. */
function describe({ request }: Call): { name: string; attributes: Attributes } {
  const { method, params } = request;
  const target = TARGETS[method];
  const value = params?.['name'];
  const attributes: Attributes = { 'mcp.method.name': method, 'network.transport': 'tcp' };
  if (method === 'tools/call') attributes['gen_ai.operation.name'] = 'execute_tool';
  if (target === undefined || typeof value !== 'string') return { name: method, attributes };
  return { name: `${method} ${value}`, attributes: { ...attributes, [target]: value } };
}

/** Which call it was: for spans only. */
function identify({ request, sessionId, clientName }: Call): Attributes {
  const uri = request.method.startsWith('resources/') ? request.params?.['uri'] : undefined;
  return {
    'jsonrpc.request.id': String(request.id),
    ...(typeof uri === 'string' ? { 'mcp.resource.uri': uri } : {}),
    ...(sessionId === undefined ? {} : { 'mcp.session.id': sessionId }),
    ...(clientName === undefined ? {} : { 'mcp.client.name': clientName }),
  };
}

/** Marks the span of a failed operation; returns what kind of failure it was. */
function judge(span: Span, response: RpcResponse): string | undefined {
  if ('error' in response) {
    const code = String(response.error.code);
    span.setAttribute('rpc.response.status_code', code);
    span.setStatus({ code: SpanStatusCode.ERROR, message: response.error.message });
    return code;
  }
  if (response.result['isError'] !== true) return undefined;
  span.setStatus({ code: SpanStatusCode.ERROR });
  return 'tool_error';
}
