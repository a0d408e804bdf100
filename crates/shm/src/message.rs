//! What master and worker tell each other over their control sockets: a byte for the kind, then text.

/// From a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToMaster {
    /// `uwsgi.Run()` was reached, or the native loop begun.
    Ready,
    /// The application cannot be loaded, for this reason. The worker ends.
    Failed(String),
}

/// From the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToWorker {
    /// Finish what is under way, take nothing new, end.
    Drain,
}

impl ToMaster {
    /// The bytes of it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Ready => b"R".to_vec(),
            Self::Failed(reason) => [b"F", reason.as_bytes()].concat(),
        }
    }

    /// `None` for bytes that no version of a worker sends.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (b'R', []) => Some(Self::Ready),
            (b'F', reason) => Some(Self::Failed(String::from_utf8_lossy(reason).into_owned())),
            _ => None,
        }
    }
}

impl ToWorker {
    /// The bytes of it.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        match self {
            Self::Drain => b"D".to_vec(),
        }
    }

    /// `None` for bytes that no version of a master sends.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        (bytes == b"D").then_some(Self::Drain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_as_they_went_in() {
        for message in [ToMaster::Ready, ToMaster::Failed("no such thing".to_owned())] {
            assert_eq!(ToMaster::decode(&message.encode()), Some(message));
        }
        assert_eq!(ToWorker::decode(&ToWorker::Drain.encode()), Some(ToWorker::Drain));
    }

    #[test]
    fn unknown_bytes_are_no_message() {
        for bytes in [&b""[..], b"?", b"Rx"] {
            assert_eq!(ToMaster::decode(bytes), None);
            assert_eq!(ToWorker::decode(bytes), None);
        }
    }
}
