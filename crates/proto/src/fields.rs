//! The fields of an answer as they cross from Go: a block of `u32 name length, u32 value length, name, value`, the
//! numbers in the machine's byte order. Lengths instead of separators: no value can pretend to be two fields.

use crate::http1::end::is_token;

/// One field of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// A token (RFC 9110 §5.6.2).
    pub name: &'a [u8],
    /// Free of CR, LF and NUL.
    pub value: &'a [u8],
}

/// Why a block is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// A length points past the end of the block.
    Block,
    /// A name is empty or has a byte that names may not have.
    Name,
    /// A value has a CR, an LF or a NUL: it would split the answer.
    Value,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Block => "the block of fields is cut short",
            Self::Name => "a field name is not a token",
            Self::Value => "a field value has a CR, LF or NUL in it",
        })
    }
}

/// Walks over the fields of `block`, checking each.
pub fn walk(block: &[u8]) -> impl Iterator<Item = Result<Field<'_>, Malformed>> {
    let mut rest = block;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let field = take(&mut rest);
        if field.is_err() {
            rest = &[];
        }
        Some(field)
    })
}

fn take<'a>(rest: &mut &'a [u8]) -> Result<Field<'a>, Malformed> {
    let name_length = take_length(rest)?;
    let value_length = take_length(rest)?;
    let name = take_bytes(rest, name_length)?;
    let value = take_bytes(rest, value_length)?;
    if name.is_empty() || !name.iter().all(|&byte| is_token(byte)) {
        return Err(Malformed::Name);
    }
    if memchr::memchr3(b'\r', b'\n', 0, value).is_some() {
        return Err(Malformed::Value);
    }
    Ok(Field { name, value })
}

fn take_length(rest: &mut &[u8]) -> Result<usize, Malformed> {
    let (number, after) = rest.split_first_chunk().ok_or(Malformed::Block)?;
    *rest = after;
    Ok(u32::from_ne_bytes(*number) as usize)
}

fn take_bytes<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Malformed> {
    let (bytes, after) = rest.split_at_checked(length).ok_or(Malformed::Block)?;
    *rest = after;
    Ok(bytes)
}

/// Appends a field to a block.
pub fn push(block: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    for length in [name.len(), value.len()] {
        block.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_ne_bytes());
    }
    block.extend_from_slice(name);
    block.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(fields: &[(&str, &str)]) -> Vec<u8> {
        let mut block = Vec::new();
        for (name, value) in fields {
            push(&mut block, name.as_bytes(), value.as_bytes());
        }
        block
    }

    #[test]
    fn fields_come_out_as_they_went_in() {
        let block = block(&[("A", "1"), ("Empty", "")]);
        let fields: Vec<_> = walk(&block).map(Result::unwrap).collect();
        assert_eq!(fields[0], Field { name: b"A", value: b"1" });
        assert_eq!(fields[1], Field { name: b"Empty", value: b"" });
        assert_eq!(fields.len(), 2);
    }

    #[test]
    fn what_would_split_an_answer_is_refused() {
        for value in ["a\r\nSet-Cookie: b", "a\rb", "a\nb", "a\0b"] {
            assert_eq!(walk(&block(&[("X", value)])).next(), Some(Err(Malformed::Value)), "{value:?}");
        }
        for name in ["", "a b", "a:b", "a\n"] {
            assert_eq!(walk(&block(&[(name, "v")])).next(), Some(Err(Malformed::Name)), "{name:?}");
        }
    }

    #[test]
    fn a_block_cut_anywhere_is_refused_or_shorter_but_never_read_past() {
        let whole = block(&[("Name", "value"), ("Other", "thing")]);
        for end in 0..whole.len() {
            let fields: Vec<_> = walk(&whole[..end]).collect();
            let complete = end == 0 || end == 17;
            assert_eq!(fields.last().is_none_or(Result::is_ok), complete, "cut at {end}");
        }
    }
}
