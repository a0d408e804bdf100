//! What master and worker tell each other over their control sockets: a byte for the kind, then text.

/// From a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToMaster {
    /// `uwsgi.Run()` was reached, or the native loop begun.
    Ready,
    /// The application cannot be loaded, for this reason. The worker ends.
    Failed(String),
    /// It has taken as many requests as one life is for, and would be replaced; until then it serves on.
    Enough,
    /// A handler does not return: it takes nothing new, and ends when only such handlers are left.
    Stuck,
    /// Raise this signal.
    Signal(u8),
    /// The table of signals has changed.
    Registered,
}

/// From the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToWorker {
    /// Finish what is under way, take nothing new, end.
    Drain,
    /// Take no new connections for now.
    Pause,
    /// Take them again.
    Resume,
    /// Run the handler of this signal.
    Signal(u8),
    /// To one of the crew: nobody else of its name is left, so it takes messages from now on.
    Begin,
    /// To one of the crew: the server ends. Handle what waits already, then end.
    Finish,
}

impl ToMaster {
    /// The bytes of it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Ready => b"R".to_vec(),
            Self::Failed(reason) => [b"F", reason.as_bytes()].concat(),
            Self::Enough => b"E".to_vec(),
            Self::Stuck => b"S".to_vec(),
            Self::Signal(signal) => vec![b'!', *signal],
            Self::Registered => b"T".to_vec(),
        }
    }

    /// `None` for bytes that no version of a worker sends.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (b'R', []) => Some(Self::Ready),
            (b'E', []) => Some(Self::Enough),
            (b'S', []) => Some(Self::Stuck),
            (b'T', []) => Some(Self::Registered),
            (b'!', &[signal]) => Some(Self::Signal(signal)),
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
            Self::Pause => b"P".to_vec(),
            Self::Resume => b"C".to_vec(),
            Self::Begin => b"B".to_vec(),
            Self::Finish => b"F".to_vec(),
            Self::Signal(signal) => vec![b'!', signal],
        }
    }

    /// `None` for bytes that no version of a master sends.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        match *bytes {
            [b'D'] => Some(Self::Drain),
            [b'P'] => Some(Self::Pause),
            [b'C'] => Some(Self::Resume),
            [b'B'] => Some(Self::Begin),
            [b'F'] => Some(Self::Finish),
            [b'!', signal] => Some(Self::Signal(signal)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_as_they_went_in() {
        for message in [
            ToMaster::Ready,
            ToMaster::Failed("no such thing".to_owned()),
            ToMaster::Enough,
            ToMaster::Stuck,
            ToMaster::Signal(255),
            ToMaster::Registered,
        ] {
            assert_eq!(ToMaster::decode(&message.encode()), Some(message));
        }
        for message in [
            ToWorker::Drain,
            ToWorker::Pause,
            ToWorker::Resume,
            ToWorker::Begin,
            ToWorker::Finish,
            ToWorker::Signal(0),
        ] {
            assert_eq!(ToWorker::decode(&message.encode()), Some(message));
        }
    }

    #[test]
    fn unknown_bytes_are_no_message() {
        for bytes in [&b""[..], b"?", b"Rx", b"!", b"!12"] {
            assert_eq!(ToMaster::decode(bytes), None);
            assert_eq!(ToWorker::decode(bytes), None);
        }
    }
}
