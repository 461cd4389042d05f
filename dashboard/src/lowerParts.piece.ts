// The piece that LowerParts.tsx loads.

export { DeliveryPanel } from "./components/deliveries/DeliveryPanel";
export { FailuresPanel } from "./components/failures/FailuresPanel";
export { InsightPanel } from "./components/insights/InsightPanel";
export { WorkflowPanel } from "./components/workflows/WorkflowPanel";
export { Welcome } from "./components/page/Welcome";
export { Footer } from "./components/page/Footer";
export { PageNotes } from "./components/page/PageNotes";
export { WorkflowChip } from "./components/workflows/WorkflowChip";
