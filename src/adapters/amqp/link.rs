//! One connection, dialled when somebody needs it and it is not there, and paced when that fails or does not last: each
//! loss is a delivery of every message that was held, and a message has so many.

use super::{
    options::Target,
    topology,
    trouble::{self, asked},
};
use crate::ports::{Kind, PortError, Result};
use lapin::{Channel, Connection, ConnectionProperties};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};
use tracing::{info, warn};

const DIAL: Duration = Duration::from_secs(10);
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A connection that did not last for this long counts as one that failed.
const STEADY: Duration = Duration::from_secs(5);

pub(super) struct Link {
    target: Target,
    name: String,
    delivery_limit: u32,
    state: Mutex<State>,
}

enum State {
    /// Whoever dials first says by himself what is wrong.
    Never,
    /// It was there; nobody has dialled since.
    Lost(Age),
    /// `sound` until there is reason to think that the exchanges and queues are gone.
    Up {
        connection: Arc<Connection>,
        sound: bool,
        age: Age,
    },
    Down(Down),
}

/// Of a connection.
#[derive(Clone, Copy)]
struct Age {
    since: Instant,
    /// That went before it.
    pause: Duration,
}

impl Age {
    /// The pause before the next is dialled; none after one that lasted.
    fn pause(self) -> Option<Duration> {
        (self.since.elapsed() < STEADY).then(|| longer(self.pause))
    }
}

fn longer(pause: Duration) -> Duration {
    (pause * 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE)
}

/// Why the last attempt failed, which everybody is told who comes before the next.
struct Down {
    kind: Kind,
    why: String,
    until: Instant,
    pause: Duration,
}

impl Link {
    pub fn new(target: Target, name: String, delivery_limit: u32) -> Arc<Self> {
        Arc::new(Self { target, name, delivery_limit, state: Mutex::new(State::Never) })
    }

    /// Where it leads, without secrets.
    pub fn place(&self) -> String {
        self.target.to_string()
    }

    pub fn user(&self) -> &str {
        &self.target.uri.authority.userinfo.username
    }

    /// A new channel, on a connection whose exchanges and queues are declared.
    pub async fn channel(&self) -> Result<Channel> {
        let connection = self.connection().await?;
        let opened = asked("opening a channel", connection.create_channel()).await;
        if opened.is_err() {
            // Whatever its state says: the next one dials.
            self.forget(&connection).await;
        }
        opened
    }

    /// Something that was declared was not found: it is declared again before the next channel.
    pub async fn doubt(&self) {
        if let State::Up { sound, .. } = &mut *self.state.lock().await {
            *sound = false;
        }
    }

    /// Whether the broker answers, and our queues are there.
    pub async fn ping(&self) -> Result<()> {
        topology::ready(&self.channel().await?, topology::WORK).await.map(drop)
    }

    /// Whether the broker has stopped what is published here.
    pub async fn blocked(&self) -> bool {
        matches!(&*self.state.lock().await, State::Up { connection, .. } if connection.status().blocked())
    }

    async fn forget(&self, lost: &Arc<Connection>) {
        let mut state = self.state.lock().await;
        if let State::Up { connection, age, .. } = &*state
            && Arc::ptr_eq(connection, lost)
        {
            *state = State::Lost(*age);
        }
    }

    async fn connection(&self) -> Result<Arc<Connection>> {
        let mut state = self.state.lock().await;
        let lost = match &*state {
            State::Lost(age) => Some(*age),
            State::Up { connection, age, .. } if !connection.status().connected() => Some(*age),
            _ => None,
        };
        if let Some(pause) = lost.and_then(Age::pause) {
            let why =
                format!("queue.url: the connection to {} broke off as soon as it was there", self.target);
            warn!(connection = self.name, error = why, "no use of the broker now; trying again");
            *state = State::Down(Down { kind: Kind::Retry, why, until: Instant::now() + pause, pause });
        }
        if let State::Down(down) = &*state
            && Instant::now() < down.until
        {
            return Err(PortError::new(down.kind, down.why.clone()));
        }
        let there = match &*state {
            State::Up { connection, sound, .. } if connection.status().connected() => {
                if *sound {
                    return Ok(Arc::clone(connection));
                }
                Some(Arc::clone(connection))
            }
            _ => None,
        };
        match self.declared(there).await {
            Ok(connection) => {
                if !matches!(*state, State::Never) {
                    info!(broker = %self.target, connection = self.name, "the broker is there again");
                }
                let age = match &*state {
                    // Declared anew, on the same one.
                    State::Up { connection: same, age, .. } if Arc::ptr_eq(same, &connection) => *age,
                    State::Down(down) => Age { since: Instant::now(), pause: down.pause },
                    _ => Age { since: Instant::now(), pause: Duration::ZERO },
                };
                *state = State::Up { connection: Arc::clone(&connection), sound: true, age };
                Ok(connection)
            }
            Err(error) => {
                let why = error.to_string();
                let pause = match &*state {
                    State::Down(down) => longer(down.pause),
                    _ => SHORTEST_PAUSE,
                };
                // Once an outage, or the log fills with it.
                let told = match &*state {
                    State::Never => true,
                    State::Down(down) => down.why == why,
                    State::Lost(_) | State::Up { .. } => false,
                };
                if !told {
                    warn!(connection = self.name, error = why, "no use of the broker now; trying again");
                }
                *state = State::Down(Down { kind: error.kind, why, until: Instant::now() + pause, pause });
                Err(error)
            }
        }
    }

    /// `there`, or a new connection, after declaring what we need.
    async fn declared(&self, there: Option<Arc<Connection>>) -> Result<Arc<Connection>> {
        let connection = match there {
            Some(connection) => connection,
            None => Arc::new(self.dial().await?),
        };
        let channel = asked("opening a channel", connection.create_channel()).await?;
        topology::declare(&channel, self.delivery_limit).await?;
        Ok(connection)
    }

    async fn dial(&self) -> Result<Connection> {
        let properties = ConnectionProperties::default().with_connection_name(self.name.as_str().into());
        let (uri, tls) = (self.target.uri.clone(), self.target.tls.clone());
        let runtime = lapin::runtime::default_runtime().map_err(|error| trouble::lost("starting", error))?;
        match timeout(DIAL, Connection::connect_uri_with_config(uri, properties, tls, runtime)).await {
            Ok(dialled) => dialled.map_err(|error| trouble::dialling(&self.target, error)),
            Err(_) => Err(PortError::new(
                Kind::Retry,
                format!("queue.url: {} does not answer within {} s", self.target, DIAL.as_secs()),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_do_not_last_are_dialled_ever_more_rarely() {
        let young = |pause| Age { since: Instant::now(), pause }.pause();
        let mut pauses = vec![young(Duration::ZERO).unwrap()];
        for _ in 0..20 {
            pauses.extend(young(*pauses.last().unwrap()));
        }
        assert_eq!(pauses[..3], [100, 200, 400].map(Duration::from_millis));
        assert_eq!(pauses[20], LONGEST_PAUSE);
        let total: Duration = pauses[..20].iter().sum();
        assert!(total > Duration::from_secs(60), "a message's twenty deliveries last {total:?}");
        let old = Instant::now().checked_sub(STEADY).unwrap();
        assert_eq!(Age { since: old, pause: LONGEST_PAUSE }.pause(), None);
    }
}
