//! How workflow health, failures and their groups are listed: which workflow or all, and which pages. Pure.

pub mod failures;
pub mod groups;
pub mod workflows;

use crate::request::parameter::{BadParameter, ID_BYTES_MAX, in_key, number, single, text};
use failures::{FAILURES_MAX, FailureCursor, FailuresPage, Which};
use groups::{GROUPS_MAX, GroupCursor, GroupsPage};
use workflows::{Sort, WORKFLOWS_MAX, WorkflowCursor, WorkflowsPage};

/// How many digits the key of a group of failures has.
const KEY_DIGITS: usize = 16;

/// How workflow health is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The id of the one workflow that is asked about; `None` for all of them.
    pub workflow: Option<String>,
    /// The page of workflows.
    pub workflows: WorkflowsPage,
    /// The page of failures.
    pub failures: FailuresPage,
}

impl Listing {
    /// Picks the listing's parameters out of the pairs of a query string and ignores all others.
    ///
    /// # Errors
    /// When one of them occurs twice or has a value that is not allowed.
    pub fn from_pairs(pairs: &[(String, String)]) -> Result<Self, BadParameter> {
        Ok(Self {
            workflow: text(pairs, "workflow", ID_BYTES_MAX)?,
            workflows: workflows_page(pairs)?,
            failures: failures_page(pairs)?,
        })
    }

    /// Its part of a cache key.
    #[must_use]
    pub fn key(&self) -> String {
        let Self { workflow, workflows, failures } = self;
        let workflow = in_key(workflow.as_deref());
        let after_workflow = workflows.cursor.as_ref().map(WorkflowCursor::to_text).unwrap_or_default();
        let sort = workflows.sort.name();
        format!("{workflow}/{sort}/{}/{after_workflow}/{}", workflows.limit, failures.key())
    }
}

fn workflows_page(pairs: &[(String, String)]) -> Result<WorkflowsPage, BadParameter> {
    let sort = single(pairs, "sort")?.map(sort).transpose()?.unwrap_or_default();
    let cursor = |text: &str| {
        let bad = |detail: &str| BadParameter::new("workflowsCursor", detail);
        let cursor = WorkflowCursor::from_text(text);
        let cursor = cursor
            .ok_or_else(|| bad("`workflowsCursor` must be the `nextWorkflowsCursor` of an earlier answer"));
        cursor.and_then(|cursor| {
            let fits = cursor.sort == sort;
            fits.then_some(cursor).ok_or_else(|| bad("`workflowsCursor` is of an answer with another `sort`"))
        })
    };
    Ok(WorkflowsPage {
        sort,
        cursor: single(pairs, "workflowsCursor")?.map(cursor).transpose()?,
        limit: number(pairs, "workflowsLimit", WORKFLOWS_MAX)?.unwrap_or(WORKFLOWS_MAX),
    })
}

fn sort(text: &str) -> Result<Sort, BadParameter> {
    let names = || Sort::ALL.map(Sort::name).join(", ");
    let known = Sort::ALL.into_iter().find(|sort| sort.name() == text);
    known.ok_or_else(|| BadParameter::new("sort", format!("`sort` must be one of {}", names())))
}

/// Which failures are asked for.
///
/// # Errors
/// When a parameter occurs twice or has a value that is not allowed.
pub fn which_failures(pairs: &[(String, String)]) -> Result<Which, BadParameter> {
    let detail = "`group` must be the `key` of a group of failures, which has 16 hexadecimal digits";
    let group = |text: &str| {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let text = Some(text).filter(|text| text.len() == KEY_DIGITS && text.bytes().all(is_digit));
        let key = text.and_then(|text| u64::from_str_radix(text, 16).ok());
        key.ok_or_else(|| BadParameter::new("group", detail))
    };
    let group = single(pairs, "group")?.map(group).transpose()?;
    Ok(Which { workflow: text(pairs, "workflow", ID_BYTES_MAX)?, group })
}

/// The page of failures that is asked for.
///
/// # Errors
/// When a parameter occurs twice or has a value that is not allowed.
pub fn failures_page(pairs: &[(String, String)]) -> Result<FailuresPage, BadParameter> {
    let cursor = |text: &str| {
        let detail = "`cursor` must be the `nextCursor` of an earlier answer";
        FailureCursor::from_text(text).ok_or_else(|| BadParameter::new("cursor", detail))
    };
    let cursor = single(pairs, "cursor")?.map(cursor).transpose()?;
    let limit = number(pairs, "limit", FAILURES_MAX)?.unwrap_or(FailuresPage::default().limit);
    Ok(FailuresPage { cursor, limit })
}

/// The page of groups of failures that is asked for.
///
/// # Errors
/// When a parameter occurs twice or has a value that is not allowed.
pub fn groups_page(pairs: &[(String, String)]) -> Result<GroupsPage, BadParameter> {
    let cursor = |text: &str| {
        let detail = "`cursor` must be the `nextCursor` of an earlier answer";
        GroupCursor::from_text(text).ok_or_else(|| BadParameter::new("cursor", detail))
    };
    let cursor = single(pairs, "cursor")?.map(cursor).transpose()?;
    let limit = number(pairs, "limit", GROUPS_MAX)?.unwrap_or(GroupsPage::default().limit);
    Ok(GroupsPage { cursor, limit })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(query: &str) -> Result<Listing, BadParameter> {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let pairs: Vec<_> = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        Listing::from_pairs(&pairs)
    }

    fn after(sort: Sort) -> String {
        WorkflowCursor { sort, part: 7, runs: 9, name: "Welcome".into(), id: "w1".into() }.to_text()
    }

    #[test]
    fn a_listing_has_defaults() {
        assert_eq!(listing("").unwrap(), Listing::default());
        let Listing { workflow, workflows, failures } = Listing::default();
        assert_eq!(
            (workflow, workflows.sort, workflows.limit, workflows.cursor),
            (None, Sort::Failures, 100, None)
        );
        assert_eq!((failures.limit, failures.cursor), (20, None));
        let asked = "limit=100&sort=p95_execution_time_ms&other=1&workflow=w/1&workflowsLimit=7";
        let Listing { workflow, workflows, failures } = listing(asked).unwrap();
        assert_eq!(
            (workflow.as_deref(), workflows.sort, workflows.limit),
            (Some("w/1"), Sort::P95ExecutionTimeMs, 7)
        );
        assert_eq!(failures.limit, 100);
    }

    #[test]
    fn what_is_none_of_it_is_named() {
        let refused = |query: &str, name: &str| assert_eq!(listing(query).unwrap_err().name, name, "{query}");
        for value in ["0", "101", "-1", "ten", ""] {
            refused(&format!("limit={value}"), "limit");
            refused(&format!("workflowsLimit={value}"), "workflowsLimit");
        }
        refused("limit=5&limit=5", "limit");
        refused("workflowsLimit=5&workflowsLimit=5", "workflowsLimit");
        refused("sort=age", "sort");
        refused("sort=", "sort");
        // No base64, too short, no UTF-8, a control character.
        for text in ["", "*", "AAAA", "AAAAAAAAAAD_", "AAAAAAAAAAAA"] {
            refused(&format!("cursor={text}"), "cursor");
            refused(&format!("workflowsCursor={text}"), "workflowsCursor");
        }
        refused("workflow=", "workflow");
        refused("workflow=a\nb", "workflow");
        refused("workflow=a&workflow=a", "workflow");
        refused(&format!("workflow={}", "x".repeat(257)), "workflow");
    }

    #[test]
    fn a_group_is_named_by_its_key() {
        let which = |query: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let pairs: Vec<_> = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            which_failures(&pairs)
        };
        assert_eq!(which("").unwrap(), Which::default());
        let both = Which { workflow: Some("w1".into()), group: Some(0x51fd_f7a3_c0dd_6a1e) };
        assert_eq!(which("group=51fdf7a3c0dd6a1e&workflow=w1").unwrap(), both);
        let zeros = Which { workflow: None, group: Some(0) };
        assert_eq!(which("group=0000000000000000").unwrap(), zeros);
        let keys = [Which::default(), both, zeros].map(|which| which.key());
        assert_eq!(keys, ["", "dzE/51fdf7a3c0dd6a1e", "/0000000000000000"]);
        for value in
            ["", "0", "51FDF7A3C0DD6A1E", "51fdf7a3c0dd6a1g", "051fdf7a3c0dd6a1e", "+1fdf7a3c0dd6a1e"]
        {
            assert_eq!(which(&format!("group={value}")).unwrap_err().name, "group", "{value}");
        }
        assert_eq!(which("group=51fdf7a3c0dd6a1e&group=51fdf7a3c0dd6a1e").unwrap_err().name, "group");
    }

    #[test]
    fn a_cursor_is_for_the_order_it_was_made_in() {
        for made in Sort::ALL {
            for asked in Sort::ALL {
                let read = listing(&format!("sort={}&workflowsCursor={}", asked.name(), after(made)));
                assert_eq!(read.map_err(|bad| bad.name).is_ok(), made == asked, "{made:?} for {asked:?}");
            }
        }
        let other = listing(&format!("workflowsCursor={}", after(Sort::Name))).unwrap_err();
        assert_eq!(other.name, "workflowsCursor");
        assert!(other.detail.contains("`sort`"), "{}", other.detail);
    }

    #[test]
    fn listings_are_questions_of_their_own() {
        let after = format!("workflowsCursor={}", after(Sort::Failures));
        let queries = [
            "",
            "sort=name",
            "limit=21",
            "cursor=AAAAAAAAAABh",
            "workflow=w1",
            "workflow=w2",
            "workflowsLimit=20",
            &after,
        ];
        let mut keys = queries.map(|query| listing(query).unwrap().key()).to_vec();
        assert_eq!(keys[0], "/failures/100//20/");
        assert_eq!(keys[3], "/failures/100//20/AAAAAAAAAABh");
        assert!(keys.iter().all(|key| !key.contains(':')), "{keys:?}");
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), queries.len());
    }
}
