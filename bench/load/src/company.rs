//! The organizations in the load, and how their business goes.

/// An organization: its share of the load, and how its business goes.
#[derive(Clone, Debug)]
pub struct Company {
    /// Organization id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Id and name of its plan.
    pub plan: (String, String),
    /// Its share of all records, relative to the other companies' weights.
    pub weight: u64,
    /// Share of payments that succeed.
    pub payment_success: f64,
    /// Share of sent messages that arrive.
    pub delivered: f64,
    /// Its workflows, at least one.
    pub workflows: Vec<Workflow>,
}

/// A workflow, and how its runs end.
#[derive(Clone, Debug)]
pub struct Workflow {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// A run's usual time in milliseconds.
    pub typical_ms: u64,
    /// Share of runs that fail.
    pub failed: f64,
    /// Share of runs that a safety limit stops.
    pub stopped: f64,
}

impl Company {
    /// One of many equal companies: `org_0000`, `org_0001` and so on.
    #[must_use]
    pub fn numbered(number: usize) -> Self {
        Self {
            id: format!("org_{number:04}"),
            name: format!("Company {number}"),
            plan: ("plan_pro".to_owned(), "pro".to_owned()),
            weight: 1,
            payment_success: 0.97,
            delivered: 0.95,
            workflows: vec![
                Workflow::named("wf_fulfil", "Order fulfilment", 900, 0.01, 0.002),
                Workflow::named("wf_invoice", "Invoice sync", 2_400, 0.05, 0.01),
            ],
        }
    }

    /// Three different companies: a thriving shop, one whose invoices and payments fail often, and a small new one.
    #[must_use]
    pub fn three() -> Vec<Self> {
        let company = |id: &str, name: &str, plan: &str, weight| Self {
            id: id.to_owned(),
            name: name.to_owned(),
            plan: (format!("plan_{plan}"), plan.to_owned()),
            weight,
            ..Self::numbered(0)
        };
        let meadow = Self {
            payment_success: 0.985,
            delivered: 0.97,
            workflows: vec![
                Workflow::named("wf_fulfil", "Order fulfilment", 850, 0.008, 0.001),
                Workflow::named("wf_review", "Review request", 320, 0.004, 0.0),
                Workflow::named("wf_restock", "Restock forecast", 6_200, 0.02, 0.006),
            ],
            ..company("org_meadow", "Meadow Bikes", "scale", 6)
        };
        let harbor = Self {
            payment_success: 0.93,
            delivered: 0.91,
            workflows: vec![
                Workflow::named("wf_fulfil", "Order fulfilment", 1_100, 0.012, 0.001),
                Workflow::named("wf_invoice", "Invoice sync", 3_900, 0.34, 0.09),
                Workflow::named("wf_refund", "Refund approval", 640, 0.01, 0.0),
            ],
            ..company("org_harbor", "Harbor Coffee", "pro", 3)
        };
        let lumen = Self {
            payment_success: 0.96,
            delivered: 0.94,
            workflows: vec![Workflow::named("wf_onboard", "Patient onboarding", 5_400, 0.03, 0.01)],
            ..company("org_lumen", "Lumen Health", "starter", 1)
        };
        vec![meadow, harbor, lumen]
    }
}

impl Workflow {
    fn named(id: &str, name: &str, typical_ms: u64, failed: f64, stopped: f64) -> Self {
        Self { id: id.to_owned(), name: name.to_owned(), typical_ms, failed, stopped }
    }
}
