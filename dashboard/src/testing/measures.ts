// Three KPIs as the API describes them: a count, a rate, and a mean time.

import type { Measure } from "../view/chartOfMetric";

export const ORDERS: Measure = {
  key: "orders_created",
  unit: "count",
  decimals: 0,
  better: "up",
  base: { numerator: "orders_created", denominator: null, noun: "orders" },
};

export const PAYMENTS: Measure = {
  key: "payment_success_rate",
  unit: "percent",
  decimals: 1,
  better: "up",
  base: { numerator: "payments_successful", denominator: "payments_total", noun: "payments" },
};

export const TIME: Measure = {
  key: "avg_execution_time_ms",
  unit: "ms",
  decimals: 1,
  better: "down",
  base: { numerator: "total_execution_time_ms", denominator: "workflows_total", noun: "workflow runs" },
};
