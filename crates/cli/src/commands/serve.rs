use crate::{arguments::ServeArguments, failure::Failure, variables::Variables};
pub(crate) fn run(_arguments: ServeArguments, _variables: Variables) -> Result<u8, Failure> {
    Ok(0)
}
