//! How many descriptors this process may have: RLIMIT_NOFILE of getrlimit(2). Children inherit it.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many this user may have.
#[must_use]
pub fn most() -> u64 {
    getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX)
}

/// Lets this process have as many as this user may. Gives how many that are.
pub fn raise() -> io::Result<u64> {
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most })?;
    Ok(most.unwrap_or(u64::MAX))
}

/// Lets this process have `count`, for good: without root's rights it never gets more again.
pub fn set(count: u64) -> io::Result<()> {
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(count), maximum: Some(count) })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_one() {
        let raised = raise().unwrap();
        assert_eq!(raised, most());
        assert_eq!(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX), raised);
    }

    #[test]
    fn nobody_may_have_more_than_the_kernel_can_count() {
        let kind = set(u64::MAX - 1).unwrap_err().kind();
        assert_eq!(kind, io::ErrorKind::PermissionDenied);
    }
}
