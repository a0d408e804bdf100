//! From the bytes of a file to its text: not too large, UTF-8, no NUL, without a byte order mark.

use std::path::Path;

use super::MAX_SIZE;
use crate::error::Error;
use crate::origin::IniLine;

/// Some editors put it at the head of a file.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The text of the file at `path`.
pub fn decode(path: &Path, bytes: Vec<u8>) -> Result<String, Error> {
    if bytes.len() > MAX_SIZE {
        let sentence = format!("the file is larger than {MAX_SIZE} bytes; is it an ini file?");
        return Err(Error::File { path: path.to_owned(), sentence });
    }
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(bad_byte(path, &bytes, at, "a NUL byte; is it an ini file?"));
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        bad_byte(path, error.as_bytes(), at, "a byte which is not UTF-8; save the file as UTF-8")
    })?;
    if text.starts_with(BYTE_ORDER_MARK) {
        text.drain(..BYTE_ORDER_MARK.len_utf8());
    }
    Ok(text)
}

/// The error for the byte at `at`, without a caret: the line may not be fit to be shown.
fn bad_byte(path: &Path, bytes: &[u8], at: usize, what: &str) -> Error {
    let before = &bytes[..at];
    let number = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
    let line = IniLine { file: path.to_owned(), number, text: String::new(), mark: 0..0 };
    Error::Line { line: Box::new(line), sentence: format!("byte {column} of the line is {what}") }
}
