//! Calls as commands of Redis, and its replies as answers. No I/O.

use goherd_shm::cache::Rule;
use redis::{Cmd, Value, cmd};

use crate::call::{Answer, Call, Failure, Reason};

/// How many keys Redis is asked to look at for a portion of all.
const PORTION: u32 = 500;
/// The longest time to live, in milliseconds, that every Redis takes: 30 000 years.
const LONGEST_TTL: u64 = 1_000_000_000_000_000;

/// What is sent, and how many replies come back.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    pub bytes: Vec<u8>,
    pub replies: usize,
}

/// How long a value that was read may still be believed by its own time, in milliseconds; `None`: for ever.
pub type Left = Option<u64>;

/// The request that a call is. With `near` the time that a value has left is asked for, too.
pub fn request(call: &Call, prefix: &str, near: bool) -> Request {
    let full = |key: &[u8]| [prefix.as_bytes(), key].concat();
    match call {
        Call::Get { key } if near => together(&[cmd("GET").arg(full(key)), cmd("PTTL").arg(full(key))]),
        Call::Get { key } => together(&[cmd("GET").arg(full(key))]),
        Call::Put { key, value, ttl, rule } => {
            let mut set = cmd("SET");
            set.arg(full(key)).arg(&value[..]);
            with_ttl(&mut set, *ttl);
            match rule {
                Rule::Always => {}
                Rule::IfAbsent => drop(set.arg("NX")),
                Rule::IfPresent => drop(set.arg("XX")),
            }
            together(&[&set])
        }
        Call::Add { key, by, ttl: None } => together(&[cmd("INCRBY").arg(full(key)).arg(*by)]),
        Call::Add { key, by, ttl } => {
            // A transaction, as Lua's numbers have 53 bits.
            let mut begin = cmd("SET");
            begin.arg(full(key)).arg(0).arg("NX");
            with_ttl(&mut begin, *ttl);
            together(&[&cmd("MULTI"), &begin, cmd("INCRBY").arg(full(key)).arg(*by), &cmd("EXEC")])
        }
        Call::Delete { key } => together(&[cmd("DEL").arg(full(key))]),
        Call::Ttl { key } => together(&[cmd("PTTL").arg(full(key))]),
        Call::Keys { cursor } | Call::Clear { cursor } => {
            let pattern = [&escaped(prefix)[..], b"*"].concat();
            together(&[cmd("SCAN").arg(*cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(PORTION)])
        }
    }
}

/// The request that removes these keys, as they are called in Redis.
pub fn removal(keys: &[Vec<u8>]) -> Request {
    together(&[cmd("UNLINK").arg(keys)])
}

/// The request that asks whether anybody is there.
pub fn ping() -> Request {
    together(&[&cmd("PING")])
}

fn together(commands: &[&Cmd]) -> Request {
    let bytes = commands.iter().flat_map(|command| command.get_packed_command()).collect();
    Request { bytes, replies: commands.len() }
}

fn with_ttl(command: &mut Cmd, ttl: Option<u64>) {
    if let Some(millis) = ttl {
        command.arg("PX").arg(millis.clamp(1, LONGEST_TTL));
    }
}

/// `prefix` as a pattern that means nothing else.
fn escaped(prefix: &str) -> Vec<u8> {
    let is_special = |byte: u8| b"*?[]\\^-".contains(&byte);
    prefix.bytes().flat_map(|byte| is_special(byte).then_some(b'\\').into_iter().chain([byte])).collect()
}

/// The answer that the replies to a call are, and how long a value has left.
pub fn answer(call: &Call, prefix: &str, replies: Vec<Value>) -> Result<(Answer, Left), Failure> {
    let first_error = replies.iter().find_map(error_in);
    if let Some(failure) = first_error {
        return Err(failure);
    }
    let mut replies = replies.into_iter();
    let (first, second) = (replies.next(), replies.next());
    let plain = |answer| Ok((answer, None));
    match (call, first) {
        (Call::Get { .. }, Some(Value::BulkString(value))) => match second {
            None | Some(Value::Int(-1)) => Ok((Answer::Value(value), None)),
            Some(Value::Int(left)) => Ok((Answer::Value(value), Some(u64::try_from(left).unwrap_or(0)))),
            Some(_) => Err(strange()),
        },
        (Call::Get { .. }, Some(Value::Nil))
        | (Call::Delete { .. }, Some(Value::Int(0)))
        | (Call::Ttl { .. }, Some(Value::Int(-2))) => Err(Failure::bare(Reason::Missing)),
        (Call::Put { .. }, Some(Value::Okay)) | (Call::Delete { .. }, Some(Value::Int(_))) => {
            plain(Answer::Done)
        }
        (Call::Put { rule, .. }, Some(Value::Nil)) => {
            let reason = if *rule == Rule::IfAbsent { Reason::Exists } else { Reason::Missing };
            Err(Failure::bare(reason))
        }
        (Call::Add { .. }, Some(Value::Int(sum))) => plain(Answer::Number(sum)),
        (Call::Add { .. }, Some(Value::Okay)) => match replies.nth(1) {
            Some(Value::Array(done)) => match done.last() {
                Some(Value::Int(sum)) => plain(Answer::Number(*sum)),
                _ => Err(strange()),
            },
            _ => Err(strange()),
        },
        (Call::Ttl { .. }, Some(Value::Int(-1))) => plain(Answer::Number(i64::MAX)),
        (Call::Ttl { .. }, Some(Value::Int(left))) => plain(Answer::Number(left.max(0))),
        (Call::Keys { .. }, Some(reply)) => {
            let (next, keys) = portion(reply)?;
            let mut block = Vec::new();
            for key in keys.iter().filter_map(|key| key.strip_prefix(prefix.as_bytes())) {
                block.extend(u32::try_from(key.len()).unwrap_or(0).to_ne_bytes());
                block.extend(key);
            }
            plain(Answer::Keys { block, next })
        }
        _ => Err(strange()),
    }
}

/// A portion of all keys, as they are called in Redis, and what to ask for next.
pub fn portion(reply: Value) -> Result<(u64, Vec<Vec<u8>>), Failure> {
    if let Some(failure) = error_in(&reply) {
        return Err(failure);
    }
    let Value::Array(parts) = reply else { return Err(strange()) };
    let Ok([Value::BulkString(next), Value::Array(keys)]) = <[Value; 2]>::try_from(parts) else {
        return Err(strange());
    };
    let next = std::str::from_utf8(&next).ok().and_then(|next| next.parse().ok()).ok_or_else(strange)?;
    let bytes = |key| if let Value::BulkString(key) = key { Some(key) } else { None };
    Ok((next, keys.into_iter().filter_map(bytes).collect()))
}

/// The failure that a reply is, or that is among those of a transaction.
pub fn error_in(reply: &Value) -> Option<Failure> {
    match reply {
        Value::ServerError(error) => Some(refusal(error.code(), error.details())),
        Value::Array(replies) => replies.iter().find_map(error_in),
        _ => None,
    }
}

/// What Redis says when it refuses.
pub fn refusal(code: &str, details: Option<&str>) -> Failure {
    let details = details.unwrap_or_default();
    let text = if details.is_empty() { code.to_owned() } else { format!("{code} {details}") };
    let reason = match code {
        "OOM" => Reason::Full,
        "ERR" if details.contains("not an integer") || details.contains("would overflow") => {
            Reason::NotANumber
        }
        "LOADING" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "BUSY" => Reason::Unreachable,
        _ => Reason::Refused,
    };
    Failure::new(reason, text)
}

fn strange() -> Failure {
    Failure::new(Reason::Refused, "it answers what no Redis answers to that: is it one?")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(call: &Call) -> String {
        let bytes = request(call, "p*:", false).bytes;
        let lines = String::from_utf8(bytes).unwrap();
        lines
            .split("\r\n")
            .filter(|line| !line.starts_with(['*', '$']) || line.len() == 1)
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn key() -> Vec<u8> {
        b"k".to_vec()
    }

    #[test]
    fn calls_are_commands() {
        let put = |ttl, rule| text(&Call::Put { key: key(), value: b"v".to_vec(), ttl, rule });
        assert_eq!(put(None, Rule::Always), "SET p*:k v ");
        assert_eq!(put(Some(5), Rule::IfAbsent), "SET p*:k v PX 5 NX ");
        assert_eq!(put(Some(u64::MAX), Rule::IfPresent), "SET p*:k v PX 1000000000000000 XX ");
        let add = |ttl| text(&Call::Add { key: key(), by: -3, ttl });
        assert_eq!(add(None), "INCRBY p*:k -3 ");
        assert_eq!(add(Some(9)), "MULTI SET p*:k 0 NX PX 9 INCRBY p*:k -3 EXEC ");
        assert_eq!(text(&Call::Keys { cursor: 7 }), "SCAN 7 MATCH p\\*:* COUNT 500 ");
        let near = request(&Call::Get { key: key() }, "", true);
        assert_eq!(near.replies, 2);
    }

    #[test]
    fn replies_are_answers() {
        let bulk = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let get = Call::Get { key: key() };
        let ask = |call: &Call, replies: Vec<Value>| answer(call, "p:", replies);
        let missing = || Err(Failure::bare(Reason::Missing));
        assert_eq!(ask(&get, vec![bulk("")]), Ok((Answer::Value(Vec::new()), None)));
        assert_eq!(ask(&get, vec![bulk("v"), Value::Int(70)]), Ok((Answer::Value(b"v".to_vec()), Some(70))));
        assert_eq!(ask(&get, vec![bulk("v"), Value::Int(-2)]), Ok((Answer::Value(b"v".to_vec()), Some(0))));
        assert_eq!(ask(&get, vec![Value::Nil]), missing());
        let ttl = Call::Ttl { key: key() };
        assert_eq!(ask(&ttl, vec![Value::Int(-2)]), missing());
        assert_eq!(ask(&ttl, vec![Value::Int(-1)]), Ok((Answer::Number(i64::MAX), None)));
        let add = Call::Add { key: key(), by: 1, ttl: Some(5) };
        let queued = || Value::SimpleString("QUEUED".to_owned());
        let done = Value::Array(vec![Value::Nil, Value::Int(-4)]);
        assert_eq!(ask(&add, vec![Value::Okay, queued(), queued(), done]), Ok((Answer::Number(-4), None)));
        let keys = Value::Array(vec![bulk("17"), Value::Array(vec![bulk("p:a"), bulk("other")])]);
        let block = [&1_u32.to_ne_bytes()[..], b"a"].concat();
        assert_eq!(ask(&Call::Keys { cursor: 0 }, vec![keys]), Ok((Answer::Keys { block, next: 17 }, None)));
        assert_eq!(ask(&get, vec![Value::Int(1)]).unwrap_err().reason, Reason::Refused);
        assert_eq!(ask(&get, vec![]).unwrap_err().reason, Reason::Refused);
    }

    #[test]
    fn refusals_say_which() {
        for (code, details, reason) in [
            ("OOM", "command not allowed", Reason::Full),
            ("ERR", "value is not an integer or out of range", Reason::NotANumber),
            ("ERR", "increment or decrement would overflow", Reason::NotANumber),
            ("ERR", "unknown command", Reason::Refused),
            ("WRONGTYPE", "Operation against a key", Reason::Refused),
            ("NOAUTH", "Authentication required.", Reason::Refused),
            ("LOADING", "Redis is loading", Reason::Unreachable),
        ] {
            let failure = refusal(code, Some(details));
            assert_eq!((failure.reason, failure.text), (reason, format!("{code} {details}")));
        }
    }
}
