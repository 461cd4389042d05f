//! Has the crate built again when a migration is added: cargo can't know that the SQL is part of it.

fn main() {
    println!("cargo:rerun-if-changed=sql");
}
