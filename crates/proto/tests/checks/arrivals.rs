//! The same bytes come at once or in pieces, which must make no difference.

use std::fmt::Debug;

/// An input whose square is less is cut at each place; the longer another, the fewer are its cuts, which take as long.
const EFFORT: usize = 1 << 17;

/// Asserts that `outcome` is the same however `length` bytes arrive, and gives it back. Its argument is how many bytes are
/// there after each arrival.
pub fn however_cut<T: Debug + PartialEq>(length: usize, outcome: impl Fn(&[usize]) -> T) -> T {
    let whole = outcome(&[length]);
    for step in [1, 2, 3, 7].into_iter().filter(|&step| step < length) {
        let arrivals: Vec<usize> = (step..length).step_by(step).chain([length]).collect();
        assert_eq!(outcome(&arrivals), whole, "in steps of {step}, and whole");
    }
    for cut in (1..length).step_by(1 + length * length / EFFORT) {
        assert_eq!(outcome(&[cut, length]), whole, "cut at {cut}, and whole");
    }
    whole
}

/// The first answer of `find` that is not "more bytes, please", given each beginning of `bytes` in turn.
pub fn first<'a, T, E>(
    bytes: &'a [u8],
    arrivals: &[usize],
    mut find: impl FnMut(&'a [u8]) -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    arrivals.iter().find_map(|&come| find(&bytes[..come]).transpose()).transpose()
}
