/** Prometheus alerts on the metrics of the generated service, each with a case that fires and one that does not. */

type Series = readonly { readonly series: string; readonly values: string }[];

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly severity: 'critical' | 'warning' | 'info';
  readonly summary: string;
  readonly description: string;
  /** Only where this part of the service was chosen. */
  readonly needs: 'database' | 'redis' | 'kubernetes' | null;
  readonly test: {
    readonly bad: Series;
    readonly good: Series;
    /** Labels of the alert that fires on `bad`, and its summary. */
    readonly labels: Readonly<Record<string, string>>;
    readonly summary: string;
  };
}

/** `name` is the service's scrape job and the name of its Kubernetes objects. */
export function alertRules(
  name: string,
  chosen: { readonly database: boolean; readonly redis: boolean; readonly kubernetes: boolean },
): readonly AlertRule[] {
  const job = `job="${name}"`;
  const pod = `${job},instance="pod-1"`;
  const autoscaler = `horizontalpodautoscaler="${name}"`;
  const rules: readonly AlertRule[] = [
    {
      alert: 'McpToolErrors',
      // A failing tool answers HTTP 200 with isError, so HTTP status codes do not show it.
      expr: [
        `sum by (tool) (rate(mcp_tool_calls_total{${job},status!="ok"}[5m]))`,
        `  / sum by (tool) (rate(mcp_tool_calls_total{${job}}[5m])) > 0.1`,
        `and sum by (tool) (rate(mcp_tool_calls_total{${job}}[5m])) > 0.02`,
      ].join('\n'),
      for: '10m',
      severity: 'warning',
      summary: 'Tool {{ $labels.tool }} fails in {{ $value | humanizePercentage }} of its calls',
      description: 'See log lines with event=mcp_tool_call and this tool; compare with the last deployment.',
      needs: null,
      test: {
        bad: [
          { series: `mcp_tool_calls_total{${pod},tool="search",status="ok"}`, values: '0+30x60' },
          { series: `mcp_tool_calls_total{${pod},tool="search",status="tool_error"}`, values: '0+30x60' },
        ],
        good: [
          { series: `mcp_tool_calls_total{${pod},tool="search",status="ok"}`, values: '0+99x60' },
          { series: `mcp_tool_calls_total{${pod},tool="search",status="tool_error"}`, values: '0+1x60' },
        ],
        labels: { tool: 'search' },
        summary: 'Tool search fails in 50% of its calls',
      },
    },
    {
      alert: 'McpToolSlow',
      expr: [
        'histogram_quantile(0.95,',
        `  sum by (tool, le) (rate(mcp_tool_call_duration_seconds_bucket{${job}}[5m]))) > 5`,
      ].join('\n'),
      for: '10m',
      severity: 'warning',
      summary: 'Tool {{ $labels.tool }} takes {{ $value | humanizeDuration }} at the 95th percentile',
      description: 'What it calls is slow, or the process is short of CPU: compare with McpEventLoopLag.',
      needs: null,
      test: {
        bad: [
          { series: `mcp_tool_call_duration_seconds_bucket{${pod},tool="search",le="5"}`, values: '0+0x60' },
          {
            series: `mcp_tool_call_duration_seconds_bucket{${pod},tool="search",le="10"}`,
            values: '0+60x60',
          },
          {
            series: `mcp_tool_call_duration_seconds_bucket{${pod},tool="search",le="+Inf"}`,
            values: '0+60x60',
          },
        ],
        good: [
          {
            series: `mcp_tool_call_duration_seconds_bucket{${pod},tool="search",le="0.1"}`,
            values: '0+60x60',
          },
          {
            series: `mcp_tool_call_duration_seconds_bucket{${pod},tool="search",le="+Inf"}`,
            values: '0+60x60',
          },
        ],
        labels: { tool: 'search' },
        summary: 'Tool search takes 9.75s at the 95th percentile',
      },
    },
    {
      alert: 'McpEventLoopLag',
      expr: `max by (instance) (nodejs_eventloop_lag_p99_seconds{${job}}) > 0.25`,
      for: '5m',
      severity: 'warning',
      summary: '{{ $labels.instance }} blocks for {{ $value | humanizeDuration }} at a time',
      description: 'Synchronous work in a tool, or too little CPU. All clients of this process wait.',
      needs: null,
      test: {
        bad: [{ series: `nodejs_eventloop_lag_p99_seconds{${pod}}`, values: '0.5+0x60' }],
        good: [{ series: `nodejs_eventloop_lag_p99_seconds{${pod}}`, values: '0.01+0x60' }],
        labels: { instance: 'pod-1' },
        summary: 'pod-1 blocks for 500ms at a time',
      },
    },
    {
      alert: 'McpDatabasePoolWaiting',
      expr: `max by (instance) (mcp_database_connections{${job},state="waiting"}) > 0`,
      for: '5m',
      severity: 'warning',
      summary: '{{ $labels.instance }} has {{ $value }} callers waiting for a database connection',
      description:
        'Raise DB_MAX_CONNECTIONS within what the database allows, or find the query that holds them.',
      needs: 'database',
      test: {
        bad: [{ series: `mcp_database_connections{${pod},state="waiting"}`, values: '4+0x60' }],
        good: [{ series: `mcp_database_connections{${pod},state="waiting"}`, values: '0+0x60' }],
        labels: { instance: 'pod-1' },
        summary: 'pod-1 has 4 callers waiting for a database connection',
      },
    },
    {
      alert: 'McpRedisDown',
      expr: `min by (instance) (mcp_redis_up{${job}}) == 0`,
      for: '2m',
      severity: 'critical',
      summary: '{{ $labels.instance }} cannot reach Redis',
      description: 'Limits are counted per process meanwhile, and sessions cannot move to another process.',
      needs: 'redis',
      test: {
        bad: [{ series: `mcp_redis_up{${pod}}`, values: '0+0x60' }],
        good: [{ series: `mcp_redis_up{${pod}}`, values: '1+0x60' }],
        labels: { instance: 'pod-1' },
        summary: 'pod-1 cannot reach Redis',
      },
    },
    {
      alert: 'McpRateLimited',
      expr: [
        `sum(rate(mcp_http_responses_total{${job},code="429"}[5m]))`,
        `  / sum(rate(mcp_http_responses_total{${job}}[5m])) > 0.05`,
      ].join('\n'),
      for: '10m',
      severity: 'info',
      summary: '{{ $value | humanizePercentage }} of the requests are refused by the rate limit',
      description: 'One caller in a loop, or RATE_LIMIT_PER_MINUTE and RATE_LIMIT_PER_HOUR are too low.',
      needs: null,
      test: {
        bad: [
          { series: `mcp_http_responses_total{${pod},code="429"}`, values: '0+10x60' },
          { series: `mcp_http_responses_total{${pod},code="200"}`, values: '0+70x60' },
        ],
        good: [
          { series: `mcp_http_responses_total{${pod},code="429"}`, values: '0+1x60' },
          { series: `mcp_http_responses_total{${pod},code="200"}`, values: '0+98x60' },
        ],
        labels: {},
        summary: '10% of the requests are refused by the rate limit',
      },
    },
    {
      alert: 'McpServerErrors',
      expr: [
        `sum(rate(mcp_http_responses_total{${job},code=~"5.."}[5m]))`,
        `  / sum(rate(mcp_http_responses_total{${job}}[5m])) > 0.02`,
      ].join('\n'),
      for: '5m',
      severity: 'critical',
      summary: '{{ $value | humanizePercentage }} of the requests are answered with a server error',
      description:
        '500: see log lines with level=error. 503: sessions at MAX_SESSIONS, or something that is away.',
      needs: null,
      test: {
        bad: [{ series: `mcp_http_responses_total{${pod},code="503"}`, values: '0+20x60' }],
        good: [{ series: `mcp_http_responses_total{${pod},code="503"}`, values: '0+1x60' }],
        labels: {},
        summary: '20% of the requests are answered with a server error',
      },
    },
    {
      alert: 'McpRestarts',
      expr: `max by (instance) (changes(process_start_time_seconds{${job}}[15m])) > 2`,
      for: '0m',
      severity: 'critical',
      summary: '{{ $labels.instance }} restarted {{ $value }} times in 15 minutes',
      description: 'Exit code 78: configuration. Otherwise see the last log lines before each start.',
      needs: null,
      test: {
        bad: [{ series: `process_start_time_seconds{${pod}}`, values: '1+0x30 2+0x2 3+0x2 4+0x30' }],
        good: [{ series: `process_start_time_seconds{${pod}}`, values: '1+0x30 2+0x30' }],
        labels: { instance: 'pod-1' },
        summary: 'pod-1 restarted 3 times in 15 minutes',
      },
    },
    {
      alert: 'McpNotReady',
      expr: `min by (instance) (mcp_ready{${job}}) == 0 or min by (instance) (up{${job}}) == 0`,
      for: '2m',
      severity: 'critical',
      summary: '{{ $labels.instance }} is not ready',
      description: 'GET /readyz names the dependency that is missing.',
      needs: null,
      test: {
        bad: [{ series: `mcp_ready{${pod}}`, values: '0+0x60' }],
        good: [{ series: `mcp_ready{${pod}}`, values: '1+0x60' }],
        labels: { instance: 'pod-1' },
        summary: 'pod-1 is not ready',
      },
    },
    {
      alert: 'McpDown',
      // Where no replica is left, nothing is there that could say that it is not ready.
      expr: `absent(up{${job}} == 1)`,
      for: '2m',
      severity: 'critical',
      summary: `No replica of ${name} answers`,
      description: 'Nothing is running, or Prometheus does not scrape it under this job.',
      needs: null,
      test: {
        bad: [{ series: `up{${pod}}`, values: '0+0x60' }],
        good: [{ series: `up{${pod}}`, values: '1+0x60' }],
        labels: {},
        summary: `No replica of ${name} answers`,
      },
    },
    {
      alert: 'McpAutoscalerAtLimit',
      expr: [
        `kube_horizontalpodautoscaler_status_current_replicas{${autoscaler}}`,
        `  >= kube_horizontalpodautoscaler_spec_max_replicas{${autoscaler}}`,
      ].join('\n'),
      for: '15m',
      severity: 'warning',
      summary: '{{ $labels.horizontalpodautoscaler }} runs at its maximum of {{ $value }} replicas',
      description: 'Raise maxReplicas, or find out what the load is.',
      needs: 'kubernetes',
      test: {
        bad: [
          {
            series: `kube_horizontalpodautoscaler_status_current_replicas{${autoscaler}}`,
            values: '12+0x60',
          },
          { series: `kube_horizontalpodautoscaler_spec_max_replicas{${autoscaler}}`, values: '12+0x60' },
        ],
        good: [
          { series: `kube_horizontalpodautoscaler_status_current_replicas{${autoscaler}}`, values: '3+0x60' },
          { series: `kube_horizontalpodautoscaler_spec_max_replicas{${autoscaler}}`, values: '12+0x60' },
        ],
        labels: { horizontalpodautoscaler: name },
        summary: `${name} runs at its maximum of 12 replicas`,
      },
    },
  ];
  return rules.filter((rule) => rule.needs === null || chosen[rule.needs]);
}
