//! Benchmarks: `cargo xtask bench`. Prints ratios against a floor or a peer measured in the same run.
fn main() {}
