//! The code under `src/generated/` is what the contract generates today.

#[path = "../examples/generate.rs"]
#[allow(dead_code, missing_docs)] // its `main` writes what is compared here
mod generate;

#[test]
fn what_is_committed_is_what_the_contract_generates() {
    let generated = generate::generate().expect("the contract compiles");
    assert_eq!(generated.code, include_str!("../src/generated/business_metrics.v1.rs"), "{}", generate::HINT);
    assert!(generated.descriptors == proto::DESCRIPTOR_SET, "{}", generate::HINT);
}
