//! Generates the messages' code from the contract, without an installed `protoc`.

use std::error::Error;

/// The folder of the contract.
const CONTRACT: &str = "../../proto/proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={CONTRACT}");
    let contract = protox::compile(["business_metrics/v1/records.proto"], [CONTRACT])?;
    prost_build::Config::new().compile_fds(contract)?;
    Ok(())
}
