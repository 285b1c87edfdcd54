/** Prometheus alerts on the metrics of the generated service, as data; two templates arrange them. */

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly severity: 'critical' | 'warning' | 'info';
  readonly summary: string;
  readonly description: string;
  /** Only where this part of the service was chosen. */
  readonly needs?: 'database' | 'redis' | 'kubernetes';
}

/** `job` is the service's scrape job; `name` its Kubernetes object name. */
export function alertRules(
  name: string,
  chosen: { readonly database: boolean; readonly redis: boolean; readonly kubernetes: boolean },
): readonly AlertRule[] {
  const job = `job="${name}"`;
  const rules: readonly AlertRule[] = [
    {
      alert: 'McpToolErrors',
      // A failing tool answers HTTP 200 with isError, so HTTP status codes do not show it.
      expr: `sum by (tool) (rate(mcp_tool_calls_total{${job},status!="ok"}[5m]))
  / sum by (tool) (rate(mcp_tool_calls_total{${job}}[5m])) > 0.1
and sum by (tool) (rate(mcp_tool_calls_total{${job}}[5m])) > 0.02`,
      for: '10m',
      severity: 'warning',
      summary: 'Tool {{ $labels.tool }} fails in {{ $value | humanizePercentage }} of its calls',
      description:
        'Look at log lines with event=mcp_tool_call and this tool; compare with the last deployment.',
    },
    {
      alert: 'McpToolSlow',
      expr: `histogram_quantile(0.95, sum by (tool, le) (rate(mcp_tool_call_duration_seconds_bucket{${job}}[5m]))) > 5`,
      for: '10m',
      severity: 'warning',
      summary: 'Tool {{ $labels.tool }} takes {{ $value | humanizeDuration }} at the 95th percentile',
      description: 'What it calls is slow, or the process is short of CPU: compare with McpEventLoopLag.',
    },
    {
      alert: 'McpEventLoopLag',
      expr: `max by (instance) (nodejs_eventloop_lag_p99_seconds{${job}}) > 0.25`,
      for: '5m',
      severity: 'warning',
      summary: '{{ $labels.instance }} blocks for {{ $value | humanizeDuration }} at a time',
      description: 'Synchronous work in a tool, or too little CPU. All clients of this process wait.',
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
    },
    {
      alert: 'McpRedisDown',
      expr: `min by (instance) (mcp_redis_up{${job}}) == 0`,
      for: '2m',
      severity: 'critical',
      summary: '{{ $labels.instance }} cannot reach Redis',
      description: 'Limits are counted per process meanwhile, and sessions cannot move to another process.',
      needs: 'redis',
    },
    {
      alert: 'McpRateLimited',
      expr: `sum (rate(mcp_http_responses_total{${job},code="429"}[5m]))
  / sum (rate(mcp_http_responses_total{${job}}[5m])) > 0.05`,
      for: '10m',
      severity: 'info',
      summary: '{{ $value | humanizePercentage }} of the requests are refused by the rate limit',
      description: 'One caller in a loop, or RATE_LIMIT_PER_MINUTE and RATE_LIMIT_PER_HOUR are too low.',
    },
    {
      alert: 'McpRestarts',
      expr: `changes(process_start_time_seconds{${job}}[15m]) > 2`,
      for: '0m',
      severity: 'critical',
      summary: '{{ $labels.instance }} restarted {{ $value }} times in 15 minutes',
      description: 'Exit code 78: configuration. Otherwise look at the last log lines before each start.',
    },
    {
      alert: 'McpNotReady',
      expr: `min by (instance) (mcp_ready{${job}}) == 0 or up{${job}} == 0`,
      for: '2m',
      severity: 'critical',
      summary: '{{ $labels.instance }} is not ready',
      description: 'GET /readyz names the dependency that is missing.',
    },
    {
      alert: 'McpAutoscalerAtLimit',
      expr: `kube_horizontalpodautoscaler_status_current_replicas{horizontalpodautoscaler="${name}"}
  >= kube_horizontalpodautoscaler_spec_max_replicas{horizontalpodautoscaler="${name}"}`,
      for: '15m',
      severity: 'warning',
      summary: '{{ $labels.horizontalpodautoscaler }} runs at its maximum of {{ $value }} replicas',
      description: 'Raise maxReplicas, or find out what the load is.',
      needs: 'kubernetes',
    },
  ];
  return rules.filter((rule) => rule.needs === undefined || chosen[rule.needs]);
}
