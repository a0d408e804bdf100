//! What stands at the front of a body that comes in pieces, whatever the protocol that cuts it.

use crate::http1::Span;

/// What the first bytes of the input are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// So many bytes that are not data: consume them.
    Framing(usize),
    /// A trailer field: look at it, if it is of interest, and consume `length` bytes. The places are those in the input.
    Trailer {
        /// Its line with the CRLF.
        length: usize,
        /// Its name, as sent.
        name: Span,
        /// Its value, without the white space around it.
        value: Span,
    },
    /// Data; up to so many bytes of it come in one go, of which some may not have come. Tell the decoder with `took` how
    /// many are consumed.
    Data(u64),
    /// The body ends with so many bytes: consume them.
    End(usize),
    /// More bytes are needed to tell.
    More,
}
