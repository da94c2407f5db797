use crate::{arguments::DemoArguments, failure::Failure, variables::Variables};
pub(crate) fn run(_arguments: DemoArguments, _variables: Variables) -> Result<u8, Failure> {
    Ok(0)
}
