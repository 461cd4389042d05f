//! What `/metrics` shows: what was recorded, what is so at this moment, the process, and the build.

use crate::gauges::Family;
use crate::readiness::Readiness;
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;

/// Gauges of the program's own, as they are when they are asked for.
type Gauges = Box<dyn Fn() -> Vec<Family> + Send + Sync>;

/// The process' metrics.
pub struct Exposition {
    program: &'static str,
    version: &'static str,
    recorder: PrometheusHandle,
    process: Collector,
    gauges: Vec<Gauges>,
}

/// Installs the process' metrics recorder. Call it once, before the first metric is recorded. `program` is what the names of
/// its own metrics begin with, and `version` the build's.
///
/// # Errors
/// When a recorder was installed before.
pub fn record_metrics(
    builder: PrometheusBuilder,
    program: &'static str,
    version: &'static str,
) -> Result<Exposition, BuildError> {
    let recorder = builder.install_recorder()?;
    let process = Collector::default();
    process.describe();
    Ok(Exposition { program, version, recorder, process, gauges: Vec::new() })
}

impl Exposition {
    /// With these gauges, too, which are asked for at each scrape. They must be quick, and must not wait.
    #[must_use]
    pub fn with(mut self, gauges: impl Fn() -> Vec<Family> + Send + Sync + 'static) -> Self {
        self.gauges.push(Box::new(gauges));
        self
    }

    /// What was recorded, for its upkeep.
    pub(crate) fn recorder(&self) -> PrometheusHandle {
        self.recorder.clone()
    }

    /// The answer to a scrape.
    pub(crate) fn render(&self, readiness: &Readiness) -> String {
        self.process.collect();
        let gauges = self.gauges.iter().flat_map(|gauges| gauges());
        let families = [self.build_info()].into_iter().chain(readiness.gauges(self.program)).chain(gauges);
        families.fold(self.recorder.render(), |text, family| text + &family.to_string())
    }

    fn build_info(&self) -> Family {
        let name = format!("{}_build_info", self.program);
        let mut family = Family::new(name, "Always 1; the label says which version this is.");
        family.add(&[("version", self.version)], 1.0);
        family
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_shows_the_build_the_process_readiness_and_what_is_so_now() {
        let exposition = record_metrics(PrometheusBuilder::new(), "p", "1.2.3").expect("the only recorder");
        let exposition = exposition.with(|| vec![Family::of("p_now", "What is so.", 7.0)]);
        let readiness = Readiness::new();
        readiness.good("kafka");
        let text = exposition.render(&readiness);
        for line in [
            "p_build_info{version=\"1.2.3\"} 1",
            "p_ready 1",
            "p_condition_ok{condition=\"kafka\"} 1",
            "p_now 7",
        ] {
            assert!(text.lines().any(|of| of == line), "{line} is missing: {text}");
        }
        assert!(text.contains("# TYPE process_open_fds gauge\nprocess_open_fds "), "{text}");
        readiness.bad("kafka", "no broker answers");
        assert!(exposition.render(&readiness).contains("p_condition_ok{condition=\"kafka\"} 0"));
    }
}
