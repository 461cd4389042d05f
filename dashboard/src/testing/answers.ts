// Answers of a query API of the page's own version; each test changes the parts that it is about.

import type {
  Bucket,
  DeliveryHealth,
  FailureGroups,
  Failures,
  Insights,
  Overview,
  Summary,
  Thresholds,
  Trends,
  WorkflowHealth,
  WorkflowPoint,
  WorkflowTrends,
} from "../api/answers";

const ENVELOPE = {
  organizationId: "org_acme",
  range: {
    from: "2026-02-25T00:00:00.000Z",
    to: "2026-02-25T03:00:00.000Z",
    granularity: "hour",
    timezone: "UTC",
  },
  completeThrough: "2026-02-25T02:42:07.000Z",
  generatedAt: "2026-02-25T02:42:08.000Z",
} as const;
const COMPARISON = {
  mode: "previous_period",
  from: "2026-02-24T21:30:00.000Z",
  to: "2026-02-25T00:00:00.000Z",
  current: { from: "2026-02-25T00:00:00.000Z", to: "2026-02-25T02:30:00.000Z" },
  previous: { from: "2026-02-24T21:30:00.000Z", to: "2026-02-25T00:00:00.000Z" },
  previousCovered: true,
} as const;
/** Since when there are records, where an answer says so. */
const RECORDS = { recordsFrom: "2025-11-03T09:00:00.000Z" } as const;

const FIGURE = {
  unit: "count",
  trend: "flat",
  deltaPercent: 0,
  severity: "healthy",
  comparedValue: 0,
  previousValue: 0,
  thresholds: [] as Summary["kpis"][number]["thresholds"],
} as const;

/** Of an organization whose records begin within what is compared with, in its second bucket. */
export const BEGUN = {
  recordsFrom: "2026-02-24T22:00:00.000Z",
  comparison: { ...COMPARISON, previousCovered: false },
} as const;

export function summary(part: Partial<Summary> = {}): Summary {
  return {
    ...ENVELOPE,
    ...RECORDS,
    organizationName: "Acme",
    plan: { id: "plan_pro", name: "pro" },
    kpis: [
      {
        ...FIGURE,
        key: "orders_created",
        label: "Orders Created",
        value: 1_342,
        decimals: 0,
        trend: "up",
        deltaPercent: 16.1,
        comparedValue: 1_335,
        previousValue: 1_150,
        better: "up",
        base: { numerator: "orders_created", denominator: null, noun: "orders" },
        description: "Orders captured from commerce events",
      },
      {
        ...FIGURE,
        key: "payment_success_rate",
        label: "Payment Success Rate",
        value: 84.1,
        unit: "percent",
        decimals: 1,
        trend: "down",
        deltaPercent: -8.2,
        deltaPoints: -7.5,
        severity: "critical",
        thresholds: [
          {
            alert: "payment_success_low",
            warning: 95,
            critical: 85,
            leastSample: 20,
            thresholdSource: "default",
          },
        ],
        comparedValue: 84.1,
        previousValue: 91.6,
        better: "up",
        base: { numerator: "payments_successful", denominator: "payments_total", noun: "payments" },
        description: "Share of attempted payments that succeeded",
      },
      {
        ...FIGURE,
        key: "workflow_failure_rate",
        label: "Workflow Failure Rate",
        value: 25,
        unit: "percent",
        decimals: 1,
        deltaPoints: 0,
        comparedValue: 25,
        previousValue: 25,
        better: "down",
        base: { numerator: "workflows_failed", denominator: "workflows_total", noun: "workflow runs" },
        description: "Share of finished workflow runs that failed",
      },
      {
        ...FIGURE,
        key: "avg_execution_time_ms",
        label: "Average Execution Time",
        value: 1_234.5,
        unit: "ms",
        decimals: 1,
        trend: "up",
        deltaPercent: 4_938,
        comparedValue: 1_234.5,
        previousValue: 24.5,
        better: "down",
        base: { numerator: "total_execution_time_ms", denominator: "workflows_total", noun: "workflow runs" },
        description: "Mean execution time of finished workflow runs",
      },
      {
        ...FIGURE,
        key: "message_delivery_rate",
        label: "Message Delivery Rate",
        value: 0,
        unit: "percent",
        decimals: 1,
        deltaPoints: 0,
        comparedValue: 0,
        better: "up",
        base: { numerator: "messages_delivered", denominator: "messages_sent", noun: "messages" },
        description: "Share of the messages sent that were delivered or read",
      },
    ],
    alerts: [
      {
        key: "payment_success_low",
        kpi: "payment_success_rate",
        severity: "critical",
        title: "Payments are failing",
        message: "Payment Success Rate is 84.1 % over 1000 payments, below 85 %",
        value: 84.1,
        threshold: 85,
        thresholdSource: "default",
        sample: 1_000,
      },
    ],
    systemHealth: { status: "critical", alertCount: 1 },
    comparison: COMPARISON,
    ...part,
  };
}

/** A bucket of 25 February 2026 (UTC), by its hour. */
export function bucket(hour: number, orders: number, payments: number, open = false): Bucket {
  return {
    bucket: new Date(Date.UTC(2026, 1, 25, hour)).toISOString(),
    open,
    orders_created: orders,
    payments_total: payments,
    payments_successful: payments,
    workflows_total: 4,
    workflows_failed: 1,
    total_execution_time_ms: 4_938,
    messages_sent: 0,
    messages_delivered: 0,
    payment_success_rate: 100,
    workflow_failure_rate: 25,
    avg_execution_time_ms: 1_234.5,
    message_delivery_rate: 0,
    p50_execution_time_ms: 900,
    p95_execution_time_ms: 4_100,
    p99_execution_time_ms: 12_900,
  };
}

export function trends(part: Partial<Trends> = {}): Trends {
  return {
    ...ENVELOPE,
    ...RECORDS,
    series: [bucket(0, 500, 400), bucket(1, 700, 500), bucket(2, 142, 100, true)],
    previousSeries: [bucket(-3, 450, 380), bucket(-2, 600, 420)],
    comparison: COMPARISON,
    ...part,
  };
}

const TIMES = {
  avgExecutionTimeMs: 1_234.5,
  p50ExecutionTimeMs: 900,
  p95ExecutionTimeMs: 4_100,
  p99ExecutionTimeMs: 12_900,
};

export function workflowHealth(part: Partial<WorkflowHealth> = {}): WorkflowHealth {
  return {
    ...ENVELOPE,
    totals: { total: 12, success: 9, failed: 2, failedSafetyLimit: 1, failureRate: 25, ...TIMES },
    workflows: [
      {
        workflowId: "w1",
        workflowName: "Welcome",
        total: 8,
        failed: 2,
        failedSafetyLimit: 1,
        failureRate: 37.5,
        ...TIMES,
      },
      {
        workflowId: "w2",
        workflowName: "Billing",
        total: 4,
        failed: 0,
        failedSafetyLimit: 0,
        failureRate: 0,
        ...TIMES,
      },
    ],
    recentFailures: [
      {
        executionId: "run_1",
        workflowId: "w1",
        workflowName: "Welcome",
        outcome: "FAILED",
        errorMessage: "the mail server said no",
        executionTimeMs: 1_500,
        finishedAt: "2026-02-25T02:10:00.000Z",
      },
    ],
    nextWorkflowsCursor: null,
    nextCursor: null,
    ...part,
  };
}

export function insights(part: Partial<Insights> = {}): Insights {
  return {
    ...ENVELOPE,
    judged: null,
    insights: [
      {
        key: "failures_concentrated",
        kpi: "workflow_failure_rate",
        severity: "warning",
        title: "One workflow has most of the failures",
        sentence: "Welcome has 3 of 3 failures.",
        period: { from: "2026-02-25T00:00:00.000Z", to: "2026-02-25T03:00:00.000Z" },
        numbers: { failures: 3, shareOfFailuresPercent: 100 },
        next: "Look at its recent failures.",
      },
    ],
    ...part,
  };
}

export function deliveryHealth(part: Partial<DeliveryHealth> = {}): DeliveryHealth {
  const bucket = (hour: number, sent: number, delivered: number, open = false) => ({
    bucket: new Date(Date.UTC(2026, 1, 25, hour)).toISOString(),
    open,
    messages_sent: sent,
    messages_delivered: delivered,
    message_delivery_rate: sent === 0 ? 0 : Math.round((1_000 * delivered) / sent) / 10,
  });
  return {
    ...ENVELOPE,
    totals: { sent: 400, delivered: 370, deliveryRate: 92.5 },
    channels: [
      { channel: "email", sent: 300, delivered: 285, deliveryRate: 95 },
      { channel: "sms", sent: 100, delivered: 85, deliveryRate: 85 },
    ],
    series: [bucket(0, 150, 140), bucket(1, 200, 186), bucket(2, 50, 44, true)],
    ...part,
  };
}

/** Of one version, as a page gets them. */
export function overview(part: Partial<Overview> = {}): Overview {
  return {
    summary: summary(),
    trends: trends(),
    workflowHealth: workflowHealth(),
    deliveryHealth: deliveryHealth(),
    insights: insights(),
    ...part,
  };
}

export function failures(part: Partial<Failures> = {}): Failures {
  return { ...ENVELOPE, failures: workflowHealth().recentFailures, nextCursor: null, ...part };
}

export function failureGroups(part: Partial<FailureGroups> = {}): FailureGroups {
  return {
    ...ENVELOPE,
    failed: 3,
    grouped: 3,
    groups: [
      {
        key: "51fdf7a3c0dd6a1e",
        pattern: "order # not found",
        message: "order 1001 not found",
        count: 2,
        firstSeen: "2026-02-25T00:10:00.250Z",
        lastSeen: "2026-02-25T01:40:00.000Z",
        outcomes: ["FAILED"],
        workflowCount: 1,
        workflows: [{ workflowId: "w1", workflowName: "Welcome", count: 2 }],
        executionId: "run_7",
      },
      {
        key: "9c1e6b2d40aa77f0",
        pattern: "the mail server said no",
        message: "the mail server said no",
        count: 1,
        firstSeen: "2026-02-25T02:10:00.000Z",
        lastSeen: "2026-02-25T02:10:00.000Z",
        outcomes: ["FAILED"],
        workflowCount: 1,
        workflows: [{ workflowId: "w1", workflowName: "Welcome", count: 1 }],
        executionId: "run_1",
      },
    ],
    nextCursor: null,
    ...part,
  };
}

/** An hour of 25 February 2026 (UTC) of one workflow. */
export function workflowBucket(hour: number, runs: number, failed: number, open = false): WorkflowPoint {
  return {
    bucket: new Date(Date.UTC(2026, 1, 25, hour)).toISOString(),
    open,
    workflows_total: runs,
    workflows_failed: failed,
    total_execution_time_ms: runs * 1_000,
    workflows_successful: runs - failed,
    workflows_failed_safety_limit: 0,
    workflow_failure_rate: runs === 0 ? 0 : Math.round((1_000 * failed) / runs) / 10,
    avg_execution_time_ms: runs === 0 ? 0 : 1_000,
    p50_execution_time_ms: runs === 0 ? null : 900,
    p95_execution_time_ms: runs === 0 ? null : 4_100,
    p99_execution_time_ms: runs === 0 ? null : 12_900,
  };
}

export function workflowTrends(part: Partial<WorkflowTrends> = {}): WorkflowTrends {
  return {
    ...ENVELOPE,
    ...RECORDS,
    workflow: { workflowId: "w1", workflowName: "Welcome" },
    comparison: COMPARISON,
    series: [workflowBucket(0, 4, 1), workflowBucket(1, 3, 1), workflowBucket(2, 1, 1, true)],
    previousSeries: [workflowBucket(-3, 5, 0), workflowBucket(-2, 2, 0)],
    ...part,
  };
}

export function thresholds(part: Partial<Thresholds> = {}): Thresholds {
  const limits = { warning: 95, critical: 85, leastSample: 20 };
  return {
    organizationId: "org_acme",
    alerts: [
      {
        key: "payment_success_low",
        kpi: "payment_success_rate",
        title: "Payments are failing",
        unit: "percent",
        better: "up",
        minimum: 0,
        maximum: 100,
        default: limits,
        own: { warning: null, critical: null, leastSample: null },
        applies: limits,
        thresholdSource: "default",
        updatedAt: null,
        updatedBy: null,
      },
    ],
    ...part,
  };
}
