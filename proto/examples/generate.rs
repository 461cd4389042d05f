//! Generates `src/generated/` from the contract, without an installed `protoc`: protox compiles, prost generates. The
//! descriptor set goes along, because the JSON mapping of a record is defined by it.
//!
//! What is generated is committed: whoever builds the system needs no compiler of contracts.

use prost::Message as _;
use prost_build::Module;
use prost_types::FileDescriptorProto;
use std::error::Error;
use std::path::Path;

/// How to make the two agree.
pub const HINT: &str = "the contract was changed: `cargo run --package proto --example generate`";

/// What the contract generates.
pub struct Generated {
    /// Package `business_metrics.v1`, in Rust.
    pub code: String,
    /// An encoded `google.protobuf.FileDescriptorSet`.
    pub descriptors: Vec<u8>,
}

/// Compiles the contract.
///
/// # Errors
/// When it can't be compiled.
pub fn generate() -> Result<Generated, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let descriptors = protox::compile([root.join("business_metrics/v1/records.proto")], [&root])?;
    let module = Module::from_protobuf_package_name("business_metrics.v1");
    let package = |file: &FileDescriptorProto| Module::from_protobuf_package_name(file.package());
    let requests = descriptors.file.iter().map(|file| (package(file), file.clone())).collect();
    let code =
        prost_build::Config::new().generate(requests)?.remove(&module).ok_or("no code was generated")?;
    Ok(Generated { code, descriptors: descriptors.encode_to_vec() })
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/generated");
    let Generated { code, descriptors } = generate()?;
    std::fs::write(folder.join("business_metrics.v1.rs"), code)?;
    std::fs::write(folder.join("records.binpb"), descriptors)?;
    Ok(())
}
