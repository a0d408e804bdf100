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
    /// The application wants everything to be read anew, as SIGHUP would.
    Reload,
    /// The application wants the server to finish and end, as SIGTERM would.
    Finish,
    /// The application raises the alarm of this name.
    Alarm {
        /// The name, which has no line break.
        name: String,
        /// What it says.
        message: String,
    },
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
            Self::Reload => b"L".to_vec(),
            Self::Finish => b"Q".to_vec(),
            Self::Alarm { name, message } => [b"A", name.as_bytes(), b"\n", message.as_bytes()].concat(),
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
            (b'L', []) => Some(Self::Reload),
            (b'Q', []) => Some(Self::Finish),
            (b'A', rest) => {
                let text = String::from_utf8_lossy(rest);
                let (name, message) = text.split_once('\n')?;
                Some(Self::Alarm { name: name.to_owned(), message: message.to_owned() })
            }
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
            ToMaster::Reload,
            ToMaster::Finish,
            ToMaster::Alarm { name: "disk".to_owned(), message: "it is\nfull".to_owned() },
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
        for bytes in [&b""[..], b"?", b"Rx", b"!", b"!12", b"Aname"] {
            assert_eq!(ToMaster::decode(bytes), None);
            assert_eq!(ToWorker::decode(bytes), None);
        }
    }
}
