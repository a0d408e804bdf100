//! Walking over the variables of a packet, whatever the protocol that packs them.

use crate::http1::Refusal;

/// A variable's name and value, or why the packet is malformed there.
pub type Variable<'a> = Result<(&'a [u8], &'a [u8]), Refusal>;

/// A variable must have a name.
pub(crate) const NAMELESS: &str = "has a variable without a name";

/// Takes one variable from the front of the rest; `None`: it is cut short.
type Take<'a> = fn(&mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])>;

/// Walks over `packed` with `take`, up to the end or to the first fault.
pub(crate) fn walk<'a>(packed: &'a [u8], take: Take<'a>) -> impl Iterator<Item = Variable<'a>> {
    let mut rest = packed;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let variable = match take(&mut rest) {
            None => Err(Refusal::silent("has a variable that is cut short")),
            Some((b"", _)) => Err(Refusal::silent(NAMELESS)),
            Some(variable) => Ok(variable),
        };
        if variable.is_err() {
            rest = &[];
        }
        Some(variable)
    })
}

/// Takes so many bytes from the front of `rest`.
pub(crate) fn take_bytes<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(bytes)
}
