//! A connection with Redis, made when it is needed: a call in, what came of it out. It blocks, for as long as the settings
//! allow.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{Client, Connection, RedisError, Value};

use crate::call::{Answer, Call, Failure, Reason};
use crate::command::{self, Left, Request};
use crate::health::Health;
use crate::settings::Settings;

/// A connection that was idle for so long is asked whether it is there before it is given what is not to be repeated.
const IDLE: Duration = Duration::from_secs(1);

pub struct Link {
    settings: Arc<Settings>,
    client: Client,
    health: Arc<Health>,
    open: Option<Open>,
}

struct Open {
    connection: Connection,
    /// What `Health` gave.
    losses: u64,
    used: Instant,
}

/// What has become of a request.
enum Trouble {
    /// Another connection may do better.
    Dropped(Failure),
    /// It would not.
    Lasting(Failure),
}

impl Trouble {
    fn failure(self) -> Failure {
        match self {
            Self::Dropped(failure) | Self::Lasting(failure) => failure,
        }
    }
}

impl Link {
    pub fn new(settings: Arc<Settings>, client: Client, health: Arc<Health>) -> Self {
        Self { settings, client, health, open: None }
    }

    /// Sees to it that there is a connection.
    pub fn prepare(&mut self) -> Result<(), Failure> {
        if self.open.as_ref().is_some_and(|open| self.health.is_good(open.losses)) {
            return Ok(());
        }
        self.open = None;
        let losses = self.health.may_connect(Instant::now())?;
        match self.connect() {
            Ok(connection) => {
                self.open = Some(Open { connection, losses, used: Instant::now() });
                self.health.answered();
                Ok(())
            }
            Err(error) => {
                let failure =
                    failure_of(&error, &self.settings, "connecting takes longer than", self.settings.connect);
                self.health.failed(&failure, Instant::now());
                Err(failure)
            }
        }
    }

    fn connect(&self) -> Result<Connection, RedisError> {
        let connection = self.client.get_connection_with_timeout(self.settings.connect)?;
        connection.set_read_timeout(Some(self.settings.timeout))?;
        connection.set_write_timeout(Some(self.settings.timeout))?;
        Ok(connection)
    }

    /// Asks Redis. With `near` the time that a value has left is asked for, too.
    pub fn call(&mut self, call: &Call, near: bool) -> Result<(Answer, Left), Failure> {
        if !call.may_be_repeated() && self.open.as_ref().is_some_and(|open| open.used.elapsed() >= IDLE) {
            let _lost_and_noted = self.exchange(&command::ping());
        }
        let had_one = self.open.is_some();
        match self.attempt(call, near) {
            Err(Trouble::Dropped(_)) if had_one && call.may_be_repeated() => {
                self.attempt(call, near).map_err(Trouble::failure)
            }
            other => other.map_err(Trouble::failure),
        }
    }

    fn attempt(&mut self, call: &Call, near: bool) -> Result<(Answer, Left), Trouble> {
        let mut replies = self.exchange(&command::request(call, &self.settings.prefix, near))?;
        if let Call::Clear { .. } = call {
            let reply = replies.pop().unwrap_or(Value::Nil);
            let (next, keys) = command::portion(reply).map_err(Trouble::Lasting)?;
            if !keys.is_empty() {
                let removed = self.exchange(&command::removal(&keys))?;
                if let Some(failure) = removed.iter().find_map(command::error_in) {
                    return Err(Trouble::Lasting(self.named(failure)));
                }
            }
            return Ok((Answer::Next(next), None));
        }
        let answer = command::answer(call, &self.settings.prefix, replies);
        answer.map_err(|failure| Trouble::Lasting(self.named(failure)))
    }

    /// Says where, if there is more to say.
    fn named(&self, failure: Failure) -> Failure {
        match failure.text.is_empty() {
            true => failure,
            false => Failure { text: format!("{}: {}", self.settings, failure.text), ..failure },
        }
    }

    fn exchange(&mut self, request: &Request) -> Result<Vec<Value>, Trouble> {
        self.prepare().map_err(Trouble::Lasting)?;
        let Some(mut open) = self.open.take() else { return Ok(Vec::new()) };
        match send(&mut open.connection, request) {
            Ok(replies) => {
                open.used = Instant::now();
                self.health.answered();
                // A Redis that has become a replica may have a successor at this address.
                let is_replica =
                    |reply: &Value| matches!(reply, Value::ServerError(error) if error.code() == "READONLY");
                if !replies.iter().any(is_replica) {
                    self.open = Some(open);
                }
                Ok(replies)
            }
            Err(error) => {
                let failure = failure_of(&error, &self.settings, "no answer within", self.settings.timeout);
                self.health.lost(open.losses, &failure, Instant::now());
                Err(if error.is_connection_dropped() {
                    Trouble::Dropped(failure)
                } else {
                    Trouble::Lasting(failure)
                })
            }
        }
    }
}

/// Sends all of it, and takes the replies up to the first trouble.
fn send(connection: &mut Connection, request: &Request) -> Result<Vec<Value>, RedisError> {
    connection.send_packed_command(&request.bytes)?;
    (0..request.replies).map(|_| connection.recv_response()).collect()
}

/// What is told of an error.
fn failure_of(error: &RedisError, settings: &Settings, slow: &str, limit: Duration) -> Failure {
    if error.is_timeout() {
        return Failure::new(Reason::Unreachable, format!("{settings}: {slow} {} ms", limit.as_millis()));
    }
    if let Some(code) = error.code() {
        let refusal = command::refusal(code, error.detail());
        return Failure { text: format!("{settings}: {}", refusal.text), ..refusal };
    }
    if error.kind() == redis::ErrorKind::AuthenticationFailed {
        let text = format!("{settings}: AUTH fails: user or password is wrong");
        return Failure::new(Reason::Refused, text);
    }
    Failure::new(Reason::Unreachable, format!("{settings}: {error}"))
}
