//! Generates the Rust code of the contract without an installed `protoc`: protox compiles, prost generates.
//! The descriptor set goes along, because the JSON mapping of a record is defined by it.

use prost::Message as _;
use std::path::PathBuf;

#[allow(clippy::disallowed_methods)] // where cargo wants the output is told in the environment
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(["proto/business_metrics/v1/records.proto"], ["proto"])?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    std::fs::write(out.join("records.binpb"), descriptors.encode_to_vec())?;
    prost_build::Config::new().compile_fds(descriptors)?;
    Ok(())
}
