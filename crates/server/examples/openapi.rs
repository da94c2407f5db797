//! Prints the description of `/api/v1` for `cargo xtask openapi`.
#![expect(clippy::print_stdout, reason = "a program that prints")]

fn main() {
    print!("{}", canarytrace_server::openapi_document());
}
