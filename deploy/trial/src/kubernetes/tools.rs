//! The tools that check the chart, and the version of Kubernetes that it is checked for.

use crate::go::Module;

/// Renders the chart.
pub(super) const HELM: Module = Module { path: "helm.sh/helm/v3", version: "v3.22.0" };
/// Compares what is rendered with schemas.
pub(super) const KUBECONFORM: Module = Module { path: "github.com/yannh/kubeconform", version: "v0.8.0" };
/// Has the schemas, and the API server.
pub(super) const KUBERNETES: Module = Module { path: "k8s.io/kubernetes", version: "v1.37.2" };

/// Who defines objects that Kubernetes doesn't know: the module, and its definitions.
pub(super) const DEFINED: [(Module, &[&str]); 2] = [
    (
        Module { path: "github.com/kedacore/keda/v2", version: "v2.21.0" },
        &["config/crd/bases/keda.sh_scaledobjects.yaml"],
    ),
    (
        Module { path: "github.com/prometheus-operator/prometheus-operator", version: "v0.91.0" },
        &[
            "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
            "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
        ],
    ),
];

/// The kinds of these objects.
pub(super) const FOREIGN: [&str; 3] = ["ServiceMonitor", "PrometheusRule", "ScaledObject"];
