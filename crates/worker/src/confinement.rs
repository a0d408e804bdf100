//! What a worker gives up before it runs any code of the application.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use goherd_bridge::App;
use goherd_sys::memory::limit_address_space;
use goherd_sys::user::{Identity, become_identity, gain_nothing, stay_in};

/// The bounds that all workers of a server are kept in.
#[derive(Clone, Debug, Default)]
pub struct Confinement {
    /// Whom a worker becomes.
    pub identity: Identity,
    /// The folder that it takes for the root.
    pub root: Option<PathBuf>,
    /// Whether the programs that it starts gain no rights.
    pub no_new_privileges: bool,
    /// The most bytes that it may map.
    pub address_space: Option<u64>,
}

impl Confinement {
    /// Puts this process into its bounds, for good: what takes root's rights comes before they go. Call it while the process
    /// has one thread. `app` is what it will run.
    pub(crate) fn enter(&self, app: &App) -> io::Result<()> {
        let failed = |option: &'static str| move |error: io::Error| refused(option, &error);
        if let Some(root) = &self.root {
            app.load_runtime().map_err(|error| refused("chroot", &error))?;
            stay_in(root).map_err(failed("chroot"))?;
        }
        become_identity(&self.identity).map_err(failed("uid/gid: cannot drop privileges"))?;
        if self.no_new_privileges {
            gain_nothing().map_err(failed("no-new-privs"))?;
        }
        if let Some(bytes) = self.address_space {
            limit_address_space(bytes).map_err(failed("limit-as"))?;
        }
        Ok(())
    }
}

fn refused(what: &str, error: &dyn Display) -> io::Error {
    io::Error::other(format!("{what}: {error}"))
}
