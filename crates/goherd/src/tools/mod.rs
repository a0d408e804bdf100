//! What the command `goherd` does beside serving: building applications, beginning them, looking at them.

mod build;
mod inspect;
mod new;
mod place;

use goherd_config::Tool;

use crate::log;
use crate::settings::Failure;

/// Does it; gives the code to exit with.
pub fn run(tool: &Tool) -> Result<u8, Failure> {
    match tool {
        Tool::Build(asked) => build::build(asked),
        Tool::New(name) => new::new(name).map(|()| 0),
        Tool::Inspect(file) => inspect::inspect(file).map(|text| log::answer(&text)),
    }
}
