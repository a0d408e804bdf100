//! Names and values: `length, length, name, value`; a length is one byte below 128, or four with the first bit set.

use crate::cgi::Variable;
use crate::cgi::variables::{take_bytes, walk};

/// Walks over pairs up to the first that is malformed.
pub(super) fn read(packed: &[u8]) -> impl Iterator<Item = Variable<'_>> {
    walk(packed, take)
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (name, value) = (take_length(rest)?, take_length(rest)?);
    Some((take_bytes(rest, name)?, take_bytes(rest, value)?))
}

fn take_length(rest: &mut &[u8]) -> Option<usize> {
    let first = *rest.first()?;
    if first < 0x80 {
        return take_bytes(rest, 1).map(|_| first.into());
    }
    let (length, after) = rest.split_first_chunk()?;
    *rest = after;
    usize::try_from(u32::from_be_bytes(*length) & 0x7fff_ffff).ok()
}

/// Appends a pair whose lengths are small.
pub(super) fn push(packed: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    for length in [name.len(), value.len()] {
        packed.push(u8::try_from(length).unwrap_or(0) & 0x7f);
    }
    packed.extend_from_slice(name);
    packed.extend_from_slice(value);
}
